import { call, expect, real, test, violations } from './clinic';

test('a number is connected by keyboard as far as its server answers, and a wrong address is named', async ({
  clinic,
}) => {
  const { member } = (await call(clinic, 'get_session', {})) as { member: { role: string } };
  test.skip(!['owner', 'admin'].includes(member.role) && real, 'only owner and admins connect numbers');
  await clinic.goto('/#/settings/channels');
  const add = clinic.getByTestId('channel-add');
  await add.focus();
  await clinic.keyboard.press('Enter');
  const panel = clinic.getByTestId('channel-panel');
  await expect(panel.locator('[name=name]')).toBeFocused();
  await clinic.keyboard.type('Recepção 2');
  // Nobody listens there.
  await panel.locator('[name=url]').fill('http://127.0.0.1:9');
  await panel.locator('[name=instance]').fill('recepcao');
  await panel.locator('[name=key]').fill('segredo');
  expect(await violations(clinic)).toEqual([]);
  if (!real) {
    const steps = ['address', 'tls', 'key', 'instance', 'state', 'stream'];
    const trial = {
      is_running: false,
      steps: steps.map((step, at) => ({
        step,
        state: at === 0 ? 'failed' : 'not_reached',
        code: at === 0 ? 'gateway_unreachable' : null,
        facts: {},
      })),
    };
    await clinic.request.post('/fake', { data: { keep: true, channels: { trial } } });
  }
  await clinic.keyboard.press('Enter');
  await expect(clinic.getByTestId('channel-trial')).toHaveAttribute('data-running', 'false');
  const failed = clinic.locator('[data-testid=channel-step][data-state=failed]');
  await expect(failed).toHaveAttribute('data-step', 'address');
  await expect(failed).toContainText('Ninguém responde no endereço do servidor');
  await expect(clinic.locator('[data-testid=channel-step][data-state=not_reached]')).toHaveCount(5);
  expect(await violations(clinic)).toEqual([]);
  await clinic.keyboard.press('Escape');
  await expect(panel).toHaveCount(0);
  await expect(add).toBeFocused();
});

test.describe('states that only an invented clinic can be put into', () => {
  test.skip(real, 'the program is not put into these states from outside');

  const session = {
    state: 'ready',
    clinic: { id: 'c', name: 'Clínica Acácia', time_zone: 'America/Sao_Paulo', kind: 'local' },
    member: { id: 'me', name: 'Júlia Andrade', role: 'owner' },
  };

  for (const theme of ['light', 'dark'] as const)
    test(`connections that are well, troubled and paused, pairing and a trial are sound (${theme})`, async ({
      clinic,
    }) => {
      const since = new Date(Date.now() - 180_000).toISOString();
      const wish = {
        name: 'Recepção',
        kind: 'evolution',
        url: 'https://evo.clinica.com.br',
        instance: 'recepcao',
        relay_url: null,
        ca_pem: null,
        per_instance: false,
        pace: 'calm',
        daily_cap: 400,
        typing: true,
        read_receipts: false,
      };
      const channels = [
        {},
        { wish: { ...wish, name: 'Plantão' }, acks_missing_since: since, unknown_outcomes: 2 },
        { wish: { ...wish, name: 'Vacinas' }, key: 'missing', status: 'disconnected', problem: 'no_key' },
        { wish: { ...wish, name: 'Férias' }, active: false },
        { wish: { ...wish, name: 'Antigo' }, active: false, removed: true, key: 'missing' },
      ];
      await clinic.request.post('/fake', {
        data: { keep: true, session, preferences: { theme }, channels: { channels } },
      });
      await clinic.goto('/#/settings/channels');
      await expect(clinic.getByTestId('channel')).toHaveCount(5);
      await expect(clinic.getByTestId('channel-alarm')).toContainText('Plantão');
      await expect(clinic.getByTestId('work-line')).toContainText('PC do balcão: Recepção 1');
      expect(await violations(clinic)).toEqual([]);

      await clinic.getByTestId('channel-edit').first().click();
      await clinic.getByTestId('channel-panel').locator('[name=url]').fill('http://192.168.0.9:8080');
      await clinic.getByTestId('channel-test').click();
      await expect(clinic.getByTestId('channel-trial')).toHaveAttribute('data-running', 'false');
      expect(await violations(clinic)).toEqual([]);
      await clinic.keyboard.press('Escape');

      await clinic.getByTestId('channel-pair-again').first().click();
      expect(await violations(clinic)).toEqual([]);
      await clinic.getByTestId('channel-pair-again-yes').click();
      await expect(clinic.getByTestId('pairing-qr')).toBeVisible();
      expect(await violations(clinic)).toEqual([]);
      await clinic.getByTestId('pairing-other-way').click();
      expect(await violations(clinic)).toEqual([]);
      await clinic.keyboard.press('Enter');
      await expect(clinic.getByTestId('pairing-typed')).toBeVisible();
      expect(await violations(clinic)).toEqual([]);
    });
});
