import type { Commands, ConversationRow, PersonData } from '../../src/lib/bridge/bindings';
import type { ApiError } from '../../src/lib/bridge/bindings';

const plain = (text: string) =>
  text.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '').split(/\s+/).filter(Boolean).join(' ');

/** What an invented clinic knows of people, and how it forgets them. */
export class FakePrivacy {
  readonly erased = new Map<string, string>();
  calledOff = false;
  /** Files that an export cannot read. */
  damaged: string[] = [];

  constructor(
    private readonly conversations: () => ConversationRow[],
    private readonly forget: (contact: string) => void,
    private readonly refuse: (code: string, reference?: string) => ApiError,
  ) {}

  #known(contact: string): PersonData {
    const row = this.conversations().find((each) => each.contact_id === contact);
    if (!row) throw this.refuse('not_found', contact);
    return {
      name: row.name,
      erased_at: this.erased.get(contact) ?? null,
      patients: [row.name, 'Bento Andrade Nogueira'],
      patients_kept: ['Lia Andrade Nogueira'],
      addresses: 2,
      messages: 1248,
      visits: 12,
      visits_ahead: 2,
      leads_open: 1,
      leads_closed: 1,
      waiting_list: 1,
      audit_entries: 57,
    };
  }

  readonly answers: Pick<
    { [K in keyof Commands]: (payload: Commands[K]['request']) => Commands[K]['response'] },
    'get_person_data' | 'export_person' | 'get_person_export' | 'cancel_person_export' | 'erase_person'
  > = {
    get_person_data: ({ contact_id }) => this.#known(contact_id),
    get_person_export: () => ({ part: 'messages', rows: 750, files_done: 0, files: 12 }),
    cancel_person_export: () => {
      this.calledOff = true;
      return {};
    },
    export_person: ({ contact_id }) => {
      const known = this.#known(contact_id);
      if (this.calledOff) return { path: null, rows: 0, missing: [] };
      const name = plain(known.name).replaceAll(' ', '-');
      const path = `/home/recepcao/Downloads/dados-${name}-2026-11-21.zip`;
      return { path, rows: 1330, missing: this.damaged };
    },
    erase_person: ({ contact_id, typed_name }) => {
      const known = this.#known(contact_id);
      if (plain(typed_name) !== plain(known.name)) throw this.refuse('name_differs', 'typed_name');
      this.forget(contact_id);
      return { messages: known.messages, visits_kept: known.visits, visits_cancelled: known.visits_ahead };
    },
  };
}
