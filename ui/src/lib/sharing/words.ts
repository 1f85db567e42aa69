import { m } from '$paraglide/messages';
import type { DiagnosisStep } from '$lib/bridge';
import { offBy } from '$lib/i18n/duration';
import { whatHappened, whatToDo } from '$lib/i18n/problems';

const names: Record<string, () => string> = {
  name: m.doctor_name,
  port: m.doctor_port,
  tls: m.doctor_tls,
  login: m.doctor_login,
  version: m.doctor_version,
  clock: m.doctor_clock,
};

/** What a step looks at. */
export const nameOf = (step: DiagnosisStep): string => names[step.step]?.() ?? step.step;

/** How far a step is, for those who do not see its sign. */
export const stateOf = (step: DiagnosisStep): string =>
  ({
    waiting: m.doctor_waiting(),
    running: m.doctor_running(),
    ok: m.doctor_ok(),
    failed: m.doctor_failed(),
    not_reached: m.doctor_not_reached(),
  })[step.state] ?? step.state;

const protections: Record<string, () => string> = {
  loopback: m.doctor_tls_loopback,
  given: m.doctor_tls_given,
  pinned: m.doctor_tls_pinned,
};

const fact = (step: DiagnosisStep, name: string): string => step.facts[name] ?? '';

/** What was seen where all is well. */
export function seen(step: DiagnosisStep): string {
  switch (step.step) {
    case 'name': {
      const [host, addresses] = [fact(step, 'host'), fact(step, 'addresses')];
      if (fact(step, 'found')) return m.doctor_name_found({ host });
      return host === addresses ? m.doctor_name_number({ host }) : m.doctor_name_ok({ host, addresses });
    }
    case 'port':
      return m.doctor_port_ok({ port: fact(step, 'port') });
    case 'tls':
      return (protections[fact(step, 'protection')] ?? m.doctor_tls_system)();
    case 'login':
      return m.doctor_login_ok();
    case 'version':
      return m.doctor_version_ok({ server: fact(step, 'server') });
    default:
      return m.doctor_clock_ok();
  }
}

/** What is wrong and what to do about it. */
export function wrong(step: DiagnosisStep): { what: string; todo: string | undefined } {
  const code = step.code ?? '';
  const [host, port] = [fact(step, 'host'), fact(step, 'port')];
  const time = offBy(Number(fact(step, 'seconds')));
  if (step.step === 'clock' && code === 'clock_ahead')
    return { what: m.doctor_clock_ahead({ time }), todo: m.doctor_clock_do() };
  if (step.step === 'clock' && code === 'clock_behind')
    return { what: m.doctor_clock_behind({ time }), todo: m.doctor_clock_do() };
  if (code === 'port_closed')
    return { what: m.doctor_port_closed({ host, port }), todo: m.doctor_port_closed_do() };
  if (code === 'unreachable' && host)
    return { what: m.doctor_unreachable({ host, port }), todo: m.doctor_unreachable_do() };
  return { what: whatHappened({ code, reference: null }), todo: whatToDo({ code }) };
}
