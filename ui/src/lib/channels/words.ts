import { m } from '$paraglide/messages';
import type { ChannelAlarm, ChannelDetails, ChannelTrialStep } from '$lib/bridge';
import { time } from '$lib/i18n/format';
import { whatHappened, whatToDo } from '$lib/i18n/problems';

/** evolution, cloud_api, as people know them. */
export const kindName = (kind: string): string =>
  kind === 'cloud_api' ? m.channel_kind_cloud() : m.channel_kind_evolution();

/** What a connection is, in one word, and how good that is. A gateway that says it is connected proves nothing by itself. */
export function standing(channel: ChannelDetails): { words: string; tone: '' | 'green' | 'amber' | 'red' } {
  if (!channel.has_address) return { words: m.channel_no_address(), tone: '' };
  if (channel.removed) return { words: m.channel_is_removed(), tone: '' };
  if (!channel.active) return { words: m.channel_paused(), tone: '' };
  if (channel.needs_pairing) return { words: m.channel_needs_pairing(), tone: 'red' };
  const wrong = channel.acks_missing_since !== null || channel.problem !== null;
  switch (channel.status) {
    case 'connected':
      return wrong
        ? { words: m.channel_troubled(), tone: channel.acks_missing_since ? 'red' : 'amber' }
        : { words: m.channel_connected(), tone: 'green' };
    case 'connecting':
      return { words: m.channel_connecting(), tone: 'amber' };
    case 'pairing':
      return { words: m.channel_needs_pairing(), tone: 'red' };
    case 'refused':
      return { words: m.channel_refused(), tone: 'red' };
    default:
      // Nobody has looked at it yet.
      return channel.last_sweep_at === null && channel.problem === null
        ? { words: m.channel_unseen(), tone: '' }
        : { words: m.channel_disconnected(), tone: 'red' };
  }
}

/** What is wrong with a connection in use, in short, for the status line. */
export function alarmWords(alarm: ChannelAlarm): string {
  const { name } = alarm;
  if (alarm.code === 'acks_missing' && alarm.since)
    return m.channel_alarm_acks({ name, time: time(alarm.since) });
  if (alarm.code === 'needs_pairing') return m.channel_alarm_pairing({ name });
  if (alarm.code === 'daily_cap') return m.channel_alarm_cap({ name });
  return m.channel_alarm_problem({ name });
}

const names: Record<string, () => string> = {
  address: m.channel_step_address,
  tls: m.channel_step_tls,
  key: m.channel_step_key,
  instance: m.channel_step_instance,
  state: m.channel_step_state,
  stream: m.channel_step_stream,
};

/** What a step of a trial looks at. */
export const stepName = (step: ChannelTrialStep): string => names[step.step]?.() ?? step.step;

/** How far a step is, where nothing else is to be said of it. */
export const stepState = (state: string): string =>
  ({
    waiting: m.doctor_waiting(),
    running: m.doctor_running(),
    ok: m.doctor_ok(),
    doubtful: m.channel_doubtful(),
    failed: m.doctor_failed(),
    not_reached: m.doctor_not_reached(),
  })[state] ?? state;

/** What was seen at a step that was taken, and whether it is to be thought about. */
export function stepSeen(step: ChannelTrialStep): { words: string; doubtful: boolean } {
  const fact = (name: string): string => step.facts[name] ?? '';
  const fine = (words: string) => ({ words, doubtful: false });
  const doubt = (words: string) => ({ words, doubtful: true });
  switch (step.step) {
    case 'address':
      return fine(m.channel_seen_address({ host: fact('host') }));
    case 'tls':
      if (fact('protection') === 'none') return doubt(m.channel_seen_tls_none());
      if (fact('protection') === 'given') return fine(m.channel_seen_tls_given());
      return fine(fact('protection') === 'loopback' ? m.channel_seen_tls_loopback() : m.channel_seen_tls());
    case 'key':
      return fine(m.channel_seen_key());
    case 'instance': {
      const others = Number(fact('others'));
      return others > 0 ? doubt(m.channel_seen_others({ count: others })) : fine(m.channel_seen_instance());
    }
    case 'state':
      if (fact('state') === 'connected') return fine(m.channel_seen_connected());
      return doubt(
        fact('state') === 'connecting' && fact('needs_pairing') !== 'true'
          ? m.channel_seen_connecting()
          : m.channel_seen_pairing(),
      );
    default:
      return fact('waits') ? doubt(m.channel_seen_stream_waits()) : fine(m.channel_seen_stream());
  }
}

/** What is wrong at a step and what to do about it. */
export function stepWrong(step: ChannelTrialStep): { what: string; todo: string | undefined } {
  const code = step.code ?? '';
  // The key was taken before: it opens another instance than this one.
  if (step.step === 'instance' && code === 'gateway_key_refused')
    return { what: m.channel_wrong_key_of_other(), todo: m.channel_wrong_key_of_other_do() };
  return { what: whatHappened({ code, reference: null }), todo: whatToDo({ code }) };
}
