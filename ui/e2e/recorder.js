// Counts what a person does on a page: presses of keys and of the mouse. What is typed as text into a field is not counted.
(() => {
  if (window.balcaoSteps) return;
  const taken = { keys: 0, mouse: 0 };
  const held = ['Shift', 'Control', 'Alt', 'Meta'];
  const fields = 'textarea, input:not([type=radio], [type=checkbox], [type=button])';
  const isText = (event) =>
    event.key.length === 1 &&
    !(event.ctrlKey || event.altKey || event.metaKey) &&
    event.target instanceof Element &&
    event.target.matches(fields);
  addEventListener(
    'keydown',
    (event) => {
      if (event.isTrusted && !held.includes(event.key) && !isText(event)) taken.keys++;
    },
    true,
  );
  addEventListener('pointerdown', (event) => event.isTrusted && taken.mouse++, true);
  window.balcaoSteps = {
    begin: () => Object.assign(taken, { keys: 0, mouse: 0 }),
    taken: () => ({ ...taken }),
  };
})();
