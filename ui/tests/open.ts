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
