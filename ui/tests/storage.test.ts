import { screen, waitFor, within } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import type { Session } from '../src/lib/bridge';
import { bucket, inventedBucketTrial } from './fake/storage';
import { open, typesIn } from './open';

const session = (role = 'owner'): Session => ({
  state: 'ready',
  clinic: { id: 'c', name: 'Clínica Acácia', time_zone: 'America/Sao_Paulo', kind: 'local' },
  member: { id: 'me', name: 'Júlia Andrade', role },
});

const settings = '#/settings/storage';

const type = typesIn('storage-panel');

async function fill(): Promise<void> {
  (await screen.findByTestId('storage-use')).click();
  await screen.findByTestId('storage-form');
  type('endpoint', bucket.wish.endpoint);
  type('bucket', bucket.wish.bucket);
  type('key_id', 'AKID');
  type('secret', 'segredo');
  await waitFor(() => expect(screen.getByTestId('storage-test')).toBeEnabled());
  screen.getByTestId('storage-test').click();
  const trial = await screen.findByTestId('storage-trial');
  await waitFor(() => expect(trial).toHaveAttribute('data-running', 'false'));
}

test('a clinic whose files are in its database uses a bucket after testing each step', async () => {
  const clinic = open({ session: session() }, settings);
  expect(await screen.findByTestId('storage-none')).toHaveTextContent('no banco de dados da clínica');
  await fill();
  const steps = within(screen.getByTestId('storage-trial')).getAllByTestId('storage-step');
  expect(steps.map((step) => step.dataset['step'])).toEqual([
    'name',
    'tls',
    'key',
    'write',
    'read',
    'delete',
  ]);
  expect(screen.getByTestId('storage-verdict')).toHaveTextContent('Tudo certo');
  (await screen.findByTestId('storage-keep')).click();
  await screen.findByTestId('storage-files');
  expect(clinic.payloadsOf('use_bucket')).toEqual([
    { wish: bucket.wish, keys: { key_id: 'AKID', secret: 'segredo' } },
  ]);
  expect(screen.getByTestId('storage')).toHaveTextContent('aurora, em s3.clinica.com.br');
  expect(screen.getByTestId('storage')).not.toHaveTextContent('segredo');
});

test.each([
  ['name', 'bucket_no_such_name', 'Ninguém conhece o nome'],
  ['tls', 'bucket_certificate_refused', 'Nada foi enviado'],
  ['key', 'bucket_clock_wrong', 'Acerte a data e a hora'],
  ['key', 'bucket_key_refused', 'o segredo não é o desta identificação'],
  ['write', 'bucket_full', 'está cheio'],
  ['delete', 'bucket_not_allowed', 'ler, gravar e apagar'],
])('a trial that ends at %s with %s says what to do', async (step, code, words) => {
  open({ session: session(), storage: { trial: inventedBucketTrial(step, code) } }, settings);
  await fill();
  const failed = screen.getAllByTestId('storage-step').find((each) => each.dataset['state'] === 'failed');
  expect(failed).toHaveAttribute('data-step', step);
  expect(failed).toHaveTextContent(words);
  expect(screen.getByTestId('storage-keep-anyway')).toBeEnabled();
});

test('when files go there is changed without a trial, and the key is not asked for again', async () => {
  const clinic = open({ session: session(), storage: { bucket: {} } }, settings);
  expect(await screen.findByTestId('storage-files')).toHaveTextContent('812 arquivos');
  screen.getByTestId('storage-change').click();
  const days = await screen.findByTestId<HTMLSelectElement>('storage-days');
  days.value = days.options[0]?.value ?? '';
  days.dispatchEvent(new Event('change', { bubbles: true }));
  (await screen.findByTestId('storage-keep')).click();
  await waitFor(() => expect(screen.getByTestId('storage')).toHaveTextContent('Assim que chegam'));
  expect(clinic.payloadsOf('use_bucket')).toEqual([{ wish: { ...bucket.wish, after_days: 0 }, keys: null }]);
});

test('a computer without the key says so and takes it', async () => {
  const clinic = open(
    { session: session(), storage: { bucket: { problem: 'bucket_no_key' }, key: 'missing' } },
    settings,
  );
  expect(await screen.findByTestId('storage-problem')).toHaveTextContent('não tem a chave do depósito');
  expect(screen.getByTestId('storage-no-key')).toHaveTextContent('Este computador não tem a chave');
  screen.getByTestId('storage-give-key').click();
  await screen.findByTestId('storage-form');
  expect(document.querySelector('[name=endpoint]')).toBeNull();
  type('key_id', 'AKID');
  type('secret', 'segredo');
  await waitFor(() => expect(screen.getByTestId('storage-test')).toBeEnabled());
  screen.getByTestId('storage-test').click();
  (await screen.findByTestId('storage-keep')).click();
  await waitFor(() => expect(screen.queryByTestId('storage-no-key')).toBeNull());
  expect(clinic.payloadsOf('keep_bucket_keys')).toEqual([{ keys: { key_id: 'AKID', secret: 'segredo' } }]);
});

test('turned off, everything comes back, which can be called off, and what is lost be given up', async () => {
  const clinic = open({ session: session(), storage: { bucket: {} } }, settings);
  (await screen.findByTestId('storage-off')).click();
  const dialog = await screen.findByTestId('storage-off-dialog');
  expect(dialog).toHaveTextContent('só então a chave é esquecida');
  expect(dialog).toHaveTextContent('30 dias');
  screen.getByTestId('storage-off-yes').click();
  expect(await screen.findByTestId('storage-emptying')).toHaveTextContent('faltam 812 arquivos');
  screen.getByTestId('storage-go-on').click();
  await screen.findByTestId('storage-off');
  clinic.storage.set({ bucket: { emptying_since: new Date().toISOString(), files: 1, failing: 1 } });
  expect(await screen.findByTestId('storage-emptying')).toHaveTextContent('falta 1 arquivo');
  screen.getByTestId('storage-abandon').click();
  (await screen.findByTestId('storage-abandon-yes')).click();
  await screen.findByTestId('storage-none');
});

test('once all is back, what is there stays for a while, and can be forgotten at once', async () => {
  const emptying_since = new Date().toISOString();
  open({ session: session(), storage: { bucket: { emptying_since, files: 0, deleting: 812 } } }, settings);
  expect(await screen.findByTestId('storage-emptying')).toHaveTextContent('apagado 30 dias depois');
  screen.getByTestId('storage-abandon').click();
  expect(await screen.findByTestId('storage-abandon-dialog')).toHaveTextContent('apague no provedor');
  screen.getByTestId('storage-abandon-yes').click();
  await screen.findByTestId('storage-none');
});

test('of very many files it is not said how many they are', async () => {
  open({ session: session(), storage: { bucket: { leaving: 10_001, deleting: 1_200 } } }, settings);
  await screen.findByTestId('storage-files');
  expect(screen.getByTestId('storage')).toHaveTextContent('mais de 10.000');
  expect(screen.getByTestId('storage')).toHaveTextContent('1.200');
});

test('only owner and admins see where files are', async () => {
  open({ session: session('attendant') }, settings);
  await screen.findByTestId('settings');
  expect(screen.queryByTestId('storage')).toBeNull();
});

test('an admin is told where the key is to be given', async () => {
  open({ session: session('admin'), storage: { may_work: false } }, settings);
  (await screen.findByTestId('storage-use')).click();
  expect(await screen.findByTestId('storage-form')).toHaveTextContent('no computador do proprietário');
});
