import { expect, real, test, violations } from './clinic';

test('a sample clinic has nothing to back up and warns of nothing', async ({ clinic }) => {
  test.skip(!real, 'what the program itself says of it');
  await clinic.goto('/#/settings');
  await expect(clinic.getByTestId('version')).toBeVisible();
  await expect(clinic.getByTestId('backup')).toHaveCount(0);
  await expect(clinic.getByTestId('backup-overdue')).toHaveCount(0);
});

test.describe('states that only an invented clinic can be put into', () => {
  test.skip(real, 'the program is not put into these states from outside');

  const session = {
    state: 'ready',
    clinic: { id: 'c', name: 'Clínica Acácia', time_zone: 'America/Sao_Paulo', kind: 'local' },
    member: { id: 'me', name: 'Júlia Andrade', role: 'owner' },
  };

  for (const theme of ['light', 'dark'] as const) {
    test(`backups are set up by keyboard, and every step of it is sound (${theme})`, async ({ clinic }) => {
      await clinic.request.post('/fake', {
        data: { keep: true, session, preferences: { theme }, backup: { health: { overdue: true } } },
      });
      await clinic.goto('/#/inbox');
      const line = clinic.getByTestId('backup-overdue');
      await line.focus();
      await clinic.keyboard.press('Enter');
      await expect(clinic.getByTestId('backup')).toBeFocused();
      expect(await violations(clinic)).toEqual([]);

      await clinic.getByTestId('backup-words').focus();
      await clinic.keyboard.press('Enter');
      const list = clinic.getByTestId('recovery-words');
      await expect(list.locator('li')).toHaveCount(12);
      const words = await list.locator('li').allTextContents();
      await clinic.getByTestId('words-written').hover();
      expect(await violations(clinic)).toEqual([]);
      await clinic.emulateMedia({ media: 'print' });
      const sheet = (await list.boundingBox())!;
      expect([sheet.x < 60, sheet.width > 600], 'the sheet begins at the left and has the page').toEqual([
        true,
        true,
      ]);
      await expect(clinic.getByTestId('words-written')).toBeHidden();
      await clinic.emulateMedia({ media: null });
      await clinic.getByTestId('words-written').focus();
      await clinic.keyboard.press('Enter');
      const asked = clinic.getByTestId('words-form').locator('label');
      await expect(asked).toHaveCount(3);
      for (const label of await asked.all()) {
        const place = Number(/\d+/.exec((await label.textContent()) ?? '')?.[0]);
        await label.locator('input').fill(words[place - 1]!);
      }
      expect(await violations(clinic)).toEqual([]);
      await clinic.keyboard.press('Enter');
      await expect(clinic.getByTestId('backup-panel')).toHaveCount(0);

      await clinic.getByTestId('backup-choose').click();
      for (const name of ['Disco externo', 'Balcão'])
        await clinic.getByTestId('folder').filter({ hasText: name }).click();
      await expect(clinic.getByTestId('folder-path')).toHaveText('/media/julia/Disco externo/Balcão');
      expect(await violations(clinic)).toEqual([]);
      await clinic.getByTestId('use-folder').click();
      await expect(clinic.getByTestId('backup-folder')).toHaveText('/media/julia/Disco externo/Balcão');
      await clinic.getByTestId('backup-now').click();
      await expect(clinic.getByTestId('backup-running')).toBeVisible();
      expect(await violations(clinic)).toEqual([]);
    });

    test(`a clinic is brought back from the first run, and every step of it is sound (${theme})`, async ({
      clinic,
    }) => {
      await clinic.request.post('/fake', {
        data: { keep: true, session: { state: 'first_run' }, preferences: { theme } },
      });
      await clinic.goto('/');
      await clinic.getByTestId('start-restore').click();
      for (const name of ['Disco externo', 'Balcão'])
        await clinic.getByTestId('folder').filter({ hasText: name }).click();
      expect(await violations(clinic)).toEqual([]);
      await clinic.getByTestId('backup-file').first().click();
      await clinic.getByTestId('restore-words').locator('textarea').fill('abacate abaixo');
      expect(await violations(clinic)).toEqual([]);
      await clinic.keyboard.press('Escape');
      await expect(clinic.getByTestId('folder-chooser')).toBeVisible();
      for (const name of ['Disco externo', 'Balcão'])
        await clinic.getByTestId('folder').filter({ hasText: name }).click();
      await clinic.getByTestId('backup-file').first().click();
      await clinic.getByText('Abrir a cópia').focus();
      await clinic.keyboard.press('Enter');
      await expect(clinic.getByTestId('restore-found')).toContainText('Clínica Acácia');
      expect(await violations(clinic)).toEqual([]);
      await clinic.getByTestId('restore-go').focus();
      await clinic.keyboard.press('Enter');
      await expect(clinic.getByTestId('preparing')).toBeVisible();
    });
  }
});
