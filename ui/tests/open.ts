import { render } from '@testing-library/svelte';
import App from '../src/App.svelte';
import { open as openBridge } from '../src/lib/bridge';
import { FakeClinic, type Scenario } from './fake/clinic';

/** Opens the screens on an invented clinic in the given state. */
export function open(scenario: Scenario = {}, place = '#/inbox'): FakeClinic {
  const clinic = new FakeClinic();
  clinic.set(scenario);
  openBridge({
    call: (cmd, payload) => clinic.call(cmd, payload),
    listen: (heard) => clinic.listen(heard),
  });
  history.replaceState(null, '', place);
  dispatchEvent(new HashChangeEvent('hashchange'));
  const target = document.createElement('div');
  target.style.cssText = 'position:fixed;inset:0';
  document.body.append(target);
  render(App, { target });
  return clinic;
}

/** What types into the fields of a panel, by their names. */
export const typesIn = (panel: string) =>
  function type(name: string, value: string): void {
    const field = document.querySelector<HTMLInputElement>(`[data-testid=${panel}] [name=${name}]`);
    if (!field) throw new Error(`no field ${name}`);
    field.value = value;
    field.dispatchEvent(new Event('input', { bubbles: true }));
  };
