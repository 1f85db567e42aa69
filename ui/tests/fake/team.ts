import type { Commands, FoundInvitation, Team } from '../../src/lib/bridge/bindings';

const minute = 60_000;

/** The members of an invented clinic, as its owner sees them. */
export function inventedTeam(now: number): Team {
  const ago = (minutes: number) => new Date(now - minutes * minute).toISOString();
  const computer = { platform: 'windows', app_version: '0.1.0', is_this: false, may_revoke: true };
  const member = {
    email: null,
    is_you: false,
    agenda: null,
    may_change_role: true,
    may_revoke: true,
    may_add_computer: true,
  };
  return {
    roles: ['owner', 'admin', 'attendant', 'professional', 'viewer'],
    can_invite: true,
    members: [
      {
        ...member,
        id: 'm1',
        name: 'Júlia Andrade',
        email: 'julia@acacia.example',
        role: 'owner',
        is_you: true,
        may_change_role: false,
        may_revoke: false,
        computers: [
          {
            ...computer,
            id: 'd1',
            name: 'Escritório',
            last_seen_at: ago(1),
            is_this: true,
            may_revoke: false,
          },
          { ...computer, id: 'd2', name: 'Notebook da Júlia', last_seen_at: ago(3 * 1440) },
        ],
      },
      {
        ...member,
        id: 'm2',
        name: 'Rafaela Nascimento de Albuquerque Cavalcanti',
        role: 'attendant',
        computers: [{ ...computer, id: 'd3', name: 'Recepção 1', last_seen_at: ago(2) }],
      },
      {
        ...member,
        id: 'm3',
        name: 'Dra. Helena Lima',
        role: 'professional',
        agenda: 'Dra. Lima',
        computers: [],
      },
    ],
    invitations: [
      {
        id: 'i1',
        member_name: 'Otávio Prado',
        role: 'viewer',
        device_name: null,
        further: false,
        expires_at: new Date(now + 1200 * minute).toISOString(),
        may_cancel: true,
      },
    ],
    agendas: [{ id: 'p9', name: 'Dr. Caio' }],
  };
}

/** A new invitation to a clinic that has moved to a server. */
export const inventedInvitation = (now: number): FoundInvitation => ({
  clinic_name: 'Clínica Acácia',
  member_name: 'Júlia Andrade',
  member_before: '',
  is_somebody_else: false,
  host: 'db.acacia.example',
  waiting: 0,
  expires_at: new Date(now + 1440 * minute).toISOString(),
});

type Answers = { [K in keyof Commands]: (payload: Commands[K]['request']) => Commands[K]['response'] };

/** Changes an invented team as the database would. */
export class FakeTeam {
  #team: Team | undefined;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get team(): Team {
    return (this.#team ??= inventedTeam(this.#now()));
  }

  readonly answers: Pick<
    Answers,
    | 'get_team'
    | 'invite_member'
    | 'save_invitation'
    | 'cancel_invitation'
    | 'change_role'
    | 'revoke_computer'
    | 'revoke_member'
    | 'get_computer_name'
  > = {
    get_team: () => structuredClone(this.team),
    invite_member: ({ name, member_id, device_name, role }) => {
      const member_name = name ?? this.team.members.find((member) => member.id === member_id)?.name ?? '';
      const expires_at = new Date(this.#now() + 1440 * minute).toISOString();
      const id = `i${this.team.invitations.length + 1}`;
      const further = member_id !== null;
      this.team.invitations.push({
        id,
        member_name,
        role: role ?? 'attendant',
        device_name,
        further,
        expires_at,
        may_cancel: true,
      });
      const path = Array.from({ length: 57 }, (_, row) =>
        Array.from({ length: 57 }, (_, column) =>
          (row * 31 + column * 17 + row * column) % 3 === 0 ? `M${column} ${row}h1v1h-1z` : '',
        ).join(''),
      ).join('');
      return {
        id,
        member_name,
        code: 'K7QW2-9XT4M',
        text: `balcao1:${'k'.repeat(400)}`,
        picture: { size: 57, path },
        expires_at,
        only_here: false,
      };
    },
    save_invitation: () => ({ path: '/home/julia/Downloads/convite.balcao-invite' }),
    cancel_invitation: ({ id }) => {
      this.team.invitations = this.team.invitations.filter((each) => each.id !== id);
      return {};
    },
    change_role: ({ member_id, role }) => {
      for (const member of this.team.members) if (member.id === member_id) member.role = role;
      return {};
    },
    revoke_computer: ({ id }) => {
      for (const member of this.team.members)
        member.computers = member.computers.filter((each) => each.id !== id);
      return {};
    },
    revoke_member: ({ id }) => {
      this.team.members = this.team.members.filter((each) => each.id !== id);
      return {};
    },
    get_computer_name: () => ({ name: 'RECEPCAO-02' }),
  };
}
