import { screen, waitFor } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { open } from './open';

test('columns say how many leads they hold and what they are worth', async () => {
  const clinic = open({}, '#/leads');
  const stages = await screen.findAllByTestId('stage');
  expect(stages.map((stage) => stage.dataset.stageKind)).toEqual(['open', 'open', 'open', 'won', 'lost']);
  const held = clinic.leads.filter((lead) => lead.stage_id === 's1');
  expect(stages[0]!.textContent).toContain(String(held.length));
  expect(stages[0]!.textContent).toContain('R$');
});

test('an empty board says what becomes a card', async () => {
  open({ empty: true }, '#/leads');
  expect((await screen.findByTestId('empty')).textContent).toContain('Ainda não há leads');
});

test('a long column draws only what is seen', async () => {
  const clinic = open({}, '#/leads');
  const model = clinic.leads[0]!;
  for (let at = 0; at < 2000; at++) clinic.leads.push({ ...model, id: `more-${at}` });
  clinic.tell(['leads']);
  await waitFor(() => expect(screen.getAllByTestId('stage-count')[0]!.textContent).toMatch(/2\.0\d\d/));
  await waitFor(() => expect(screen.getAllByTestId('lead-card').length).toBeGreaterThan(10));
  expect(screen.getAllByTestId('lead-card').length).toBeLessThan(120);
});

test('an agenda without professionals says so', async () => {
  open({ empty: true }, '#/agenda');
  expect((await screen.findByTestId('empty')).textContent).toContain('Ainda não há profissionais');
});
