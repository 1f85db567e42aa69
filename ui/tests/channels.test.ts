import { screen, waitFor, within } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import type { Session } from '../src/lib/bridge';
import { inventedTrial, wish } from './fake/channels';
import { open, typesIn } from './open';

const session = (role = 'owner', kind = 'local'): Session => ({
  state: 'ready',
  clinic: { id: 'c', name: 'Clínica Acácia', time_zone: 'America/Sao_Paulo', kind },
  member: { id: 'me', name: 'Júlia Andrade', role },
});

const settings = '#/settings/channels';

const type = typesIn('channel-panel');

async function fill(): Promise<void> {
  (await screen.findByTestId('channel-add')).click();
  await screen.findByTestId('channel-form');
  type('name', 'Recepção');
  type('url', 'https://evo.clinica.com.br');
  type('instance', 'recepcao');
  type('key', 'segredo');
  await waitFor(() => expect(screen.getByTestId('channel-test')).toBeEnabled());
}

test('a clinic without a number says what will be here, and connects one after testing each step', async () => {
  const clinic = open({ session: session() }, settings);
  expect(await screen.findByTestId('channels-none')).toHaveTextContent('Nenhum número conectado');
  expect(screen.queryByTestId('work-line')).toBeNull();
  expect(screen.getByTestId('channels')).toHaveTextContent('Evolution API');
  expect(screen.getByTestId('channels')).toHaveTextContent('Use um servidor só para a sua clínica');
  await fill();
  screen.getByTestId('channel-test').click();
  const trial = await screen.findByTestId('channel-trial');
  await waitFor(() => expect(trial).toHaveAttribute('data-running', 'false'));
  const steps = within(trial).getAllByTestId('channel-step');
  expect(steps.map((step) => step.dataset['step'])).toEqual([
    'address',
    'tls',
    'key',
    'instance',
    'state',
    'stream',
  ]);
  expect(screen.getByTestId('channel-verdict')).toHaveTextContent('Tudo certo até o WhatsApp.');
  (await screen.findByTestId('channel-keep')).click();
  await waitFor(() => expect(screen.getAllByTestId('channel')).toHaveLength(1));
  expect(clinic.payloadsOf('add_channel')).toEqual([
    { wish: { ...wish }, keys: { key: 'segredo', relay_key: null }, make_instance: false },
  ]);
  await waitFor(() => expect(screen.queryByTestId('channel-panel')).toBeNull());
});

test('another key after a trial is tried again before it is kept', async () => {
  open({ session: session() }, settings);
  await fill();
  screen.getByTestId('channel-test').click();
  await screen.findByTestId('channel-keep');
  type('key', 'outro');
  await screen.findByTestId('channel-test');
  expect(screen.queryByTestId('channel-keep')).toBeNull();
  expect(screen.queryByTestId('channel-trial')).toBeNull();
});

test.each([
  ['address', 'gateway_unreachable', 'Ninguém responde'],
  ['tls', 'gateway_certificate_refused', 'A chave não foi enviada'],
  ['tls', 'gateway_certificate_unknown_issuer', 'não é de uma autoridade em que este computador confia'],
  ['tls', 'gateway_certificate_other_name', 'O certificado do servidor é de outro endereço'],
  ['tls', 'gateway_certificate_expired', 'O certificado do servidor venceu'],
  ['key', 'gateway_key_refused', 'O servidor recusa a chave'],
  ['instance', 'gateway_key_refused', 'A chave é de outra instância'],
  ['stream', 'gateway_no_stream', 'passar WebSocket adiante'],
])(
  'what is wrong at the step %s with %s is said, and can be kept all the same',
  async (step, code, words) => {
    const clinic = open({ session: session(), channels: { trial: inventedTrial(step, code) } }, settings);
    await fill();
    screen.getByTestId('channel-test').click();
    await waitFor(() => {
      const failed = screen.getAllByTestId('channel-step').find((each) => each.dataset['state'] === 'failed');
      expect(failed).toHaveAttribute('data-step', step);
      expect(failed).toHaveTextContent(words);
    });
    expect(screen.queryByTestId('channel-keep')).toBeNull();
    expect(screen.queryByTestId('channel-make')).toBeNull();
    screen.getByTestId('channel-keep-anyway').click();
    await waitFor(() => expect(clinic.payloadsOf('add_channel')).toHaveLength(1));
  },
);

test('a server with a certificate of its own is believed under the authority that was pasted', async () => {
  const trial = inventedTrial(undefined, undefined, { tls: { protection: 'given' } });
  const clinic = open({ session: session(), channels: { trial } }, settings);
  await fill();
  expect(screen.queryByLabelText(/Certificado da autoridade/)).toBeNull();
  screen.getByLabelText('O servidor usa um certificado próprio').click();
  const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----';
  await screen.findByLabelText(/Certificado da autoridade/);
  type('ca_pem', pem);
  screen.getByTestId('channel-test').click();
  await waitFor(() =>
    expect(screen.getByTestId('channel-trial')).toHaveTextContent('um certificado da autoridade informada'),
  );
  (await screen.findByTestId('channel-keep')).click();
  await waitFor(() => expect(clinic.payloadsOf('add_channel')).toHaveLength(1));
  expect(clinic.payloadsOf('add_channel')[0]).toMatchObject({ wish: { ca_pem: pem } });
});

test('what works and is to be thought about is told apart from what is well', async () => {
  const trial = inventedTrial(undefined, undefined, {
    tls: { protection: 'none' },
    instance: { others: '2' },
    stream: { waits: 'true' },
  });
  open({ session: session(), channels: { trial } }, settings);
  await fill();
  screen.getByTestId('channel-test').click();
  await screen.findByTestId('channel-keep');
  const states = screen.getAllByTestId('channel-step').map((step) => step.dataset['state']);
  expect(states).toEqual(['ok', 'doubtful', 'ok', 'doubtful', 'ok', 'doubtful']);
  expect(screen.getByTestId('channel-trial')).toHaveTextContent('abre outras 2 instâncias');
  expect(screen.getByTestId('channel-trial')).toHaveTextContent('não é criptografado');
  expect(screen.getByTestId('channel-verdict')).toHaveTextContent('Serve, mas preste atenção');
});

test('an instance that is missing is made, and its phone paired', async () => {
  const trial = inventedTrial('instance', 'gateway_no_instance');
  const clinic = open({ session: session(), channels: { trial } }, settings);
  await fill();
  screen.getByTestId('channel-test').click();
  (await screen.findByTestId('channel-make')).click();
  const pairing = await screen.findByTestId('pairing');
  expect(clinic.payloadsOf('add_channel')[0]).toMatchObject({ make_instance: true });
  await waitFor(() => expect(pairing).toHaveAttribute('data-state', 'code'));
  expect(screen.getByTestId('pairing-qr').querySelector('path')).toHaveAttribute('d', 'M0 0h7v1h-7z');
  clinic.channels.set({ pairing: { picture: { size: 21, path: 'M1 1h7v1h-7z' } } });
  await waitFor(() =>
    expect(screen.getByTestId('pairing-qr').querySelector('path')).toHaveAttribute('d', 'M1 1h7v1h-7z'),
  );
  clinic.channels.set({ pairing: { state: 'connected', picture: null } });
  (await screen.findByTestId('pairing-done')).click();
  await waitFor(() => expect(clinic.payloadsOf('end_pairing').length).toBeGreaterThan(0));
});

test('a code that nobody reads is over, and another one can be asked for', async () => {
  const clinic = open(
    { session: session(), channels: { channels: [{ status: 'disconnected', needs_pairing: true }] } },
    settings,
  );
  expect(await screen.findByTestId('channel-standing')).toHaveTextContent('Falta parear');
  screen.getByTestId('channel-pair').click();
  await screen.findByTestId('pairing-qr');
  clinic.channels.set({ pairing: { state: 'over', picture: null } });
  (await screen.findByTestId('pairing-again')).click();
  await waitFor(() => expect(clinic.payloadsOf('pair_channel')).toHaveLength(2));
  expect(clinic.payloadsOf('pair_channel').at(-1)).toEqual({ id: 'channel', afresh: false, number: null });
});

test('a phone without a camera is paired by a code that is typed there', async () => {
  const clinic = open(
    { session: session(), channels: { channels: [{ status: 'disconnected', needs_pairing: true }] } },
    settings,
  );
  (await screen.findByTestId('channel-pair')).click();
  await screen.findByTestId('pairing-qr');
  screen.getByTestId('pairing-other-way').click();
  const form = await screen.findByTestId('pairing-number-form');
  const field = form.querySelector<HTMLInputElement>('[name=number]')!;
  expect(field.value, 'the number that is known is there').toBe('(11) 98888-0000');
  type('number', 'recepção');
  screen.getByTestId('pairing-ask').click();
  expect(await screen.findByText(/Isto não parece um número/)).toBeVisible();
  type('number', '11 98888-0000');
  screen.getByTestId('pairing-ask').click();
  expect(await screen.findByTestId('pairing-typed')).toHaveTextContent('BALC-0042');
  expect(clinic.payloadsOf('pair_channel').at(-1)).toEqual({
    id: 'channel',
    afresh: false,
    number: '11 98888-0000',
  });
  screen.getByTestId('pairing-other-way').click();
  expect(await screen.findByTestId('pairing-qr')).toBeVisible();
  expect(clinic.payloadsOf('pair_channel').at(-1)).toMatchObject({ number: null });
});

test('a connection that is paused and one that was removed are told apart in words and deeds', async () => {
  const clinic = open(
    {
      session: session(),
      channels: { channels: [{ active: false }, { active: false, removed: true, key: 'missing' }] },
    },
    settings,
  );
  const [paused, removed] = await screen.findAllByTestId('channel');
  expect(within(paused!).getByTestId('channel-standing')).toHaveTextContent('Pausada');
  expect(paused).toHaveTextContent('A chave continua guardada');
  expect(within(paused!).getByTestId('channel-remove')).toBeVisible();
  expect(within(removed!).getByTestId('channel-standing')).toHaveTextContent('Removida');
  expect(removed).toHaveTextContent('só por causa das conversas');
  expect(within(removed!).queryByTestId('channel-remove')).toBeNull();
  within(removed!).getByTestId('channel-use').click();
  await waitFor(() => expect(clinic.payloadsOf('use_channel')).toEqual([{ id: 'channel-1', active: true }]));
});

test('pairing again says what that costs before the phone is disconnected', async () => {
  const clinic = open({ session: session(), channels: { channels: [{}] } }, settings);
  (await screen.findByTestId('channel-pair-again')).click();
  expect(await screen.findByTestId('channel-pair-again-dialog')).toHaveTextContent('nada chega nem sai');
  expect(clinic.payloadsOf('pair_channel')).toEqual([]);
  screen.getByTestId('channel-pair-again-yes').click();
  await screen.findByTestId('pairing');
  await waitFor(() =>
    expect(clinic.payloadsOf('pair_channel')).toEqual([{ id: 'channel', afresh: true, number: null }]),
  );
});

test('a connection tells how it is doing, and which computer looks after it', async () => {
  const clinic = open({ session: session(), channels: { channels: [{}] } }, settings);
  const row = await screen.findByTestId('channel');
  expect(row).toHaveTextContent('Evolution API · (11) 98888-0000');
  expect(within(row).getByTestId('channel-standing')).toHaveTextContent('Conectada');
  for (const words of ['Última recebida', 'Última confirmação', 'Última conferência', 'Envios sem resposta'])
    expect(row).toHaveTextContent(words);
  expect(await screen.findByTestId('work-line')).toHaveTextContent(/PC do balcão: Recepção 1 · desde/);
  expect(screen.getByTestId('work')).toHaveTextContent('Recepção 1 recebe e envia');
  clinic.channels.set({ holder: { is_this: true } });
  await waitFor(() => expect(screen.getByTestId('work')).toHaveTextContent('Este computador recebe'));
  clinic.channels.set({ holder: { is_working: false } });
  await waitFor(() => expect(screen.getByTestId('work-line')).toHaveTextContent('nenhum computador'));
  expect(screen.getByTestId('work')).toHaveTextContent('O último foi Recepção 1');
  clinic.channels.set({ holder: null });
  await waitFor(() => expect(screen.getByTestId('work')).toHaveTextContent('Deixe o Balcão aberto'));
});

test('a missing confirmation raises an alarm in every window until somebody has seen it', async () => {
  const since = new Date(Date.now() - 150_000).toISOString();
  const clinic = open({
    session: session('attendant'),
    channels: { channels: [{ acks_missing_since: since }] },
  });
  expect(await screen.findByTestId('channel-alarm')).toHaveTextContent('Recepção: Desde');
  expect(screen.getByTestId('channel-alarm-line')).toHaveTextContent('Recepção: sem confirmação desde');
  within(screen.getByTestId('channel-alarm')).getByRole('button').click();
  await waitFor(() => expect(screen.queryByTestId('channel-alarm')).toBeNull());
  expect(screen.getByTestId('channel-alarm-line'), 'the line says it as long as it is so').toBeVisible();
  screen.getByTestId('channel-alarm-line').click();
  expect(await screen.findByTestId('acks-missing')).toHaveTextContent('não confirma mensagens');
  clinic.channels.set({ channels: [{ acks_missing_since: new Date().toISOString() }] });
  expect(await screen.findByTestId('channel-alarm'), 'a new alarm is told again').toBeVisible();
});

test.each([
  ['needs_pairing', 'falta parear', 'Pareie o celular de novo'],
  ['daily_cap', 'limite do dia', 'O resto sai amanhã'],
  ['gateway_key_refused', 'com problema', 'O servidor recusa a chave'],
  ['no_key', 'com problema', 'não tem a chave desta'],
])('the problem %s is said in the line and beside the connection', async (problem, short, long) => {
  open({ session: session(), channels: { channels: [{ problem }] } }, settings);
  expect(await screen.findByTestId('channel-problem')).toHaveTextContent(long);
  expect(await screen.findByTestId('channel-alarm-line')).toHaveTextContent(short);
});

test('a computer without the key says so and keeps one when the gateway takes it', async () => {
  const clinic = open({ session: session(), channels: { channels: [{ key: 'missing' }] } }, settings);
  expect(await screen.findByTestId('channel-no-key')).toHaveTextContent('não tem a chave desta conexão');
  expect(screen.queryByTestId('channel-pair-again')).toBeNull();
  screen.getByTestId('channel-enter-key').click();
  await screen.findByTestId('key-form');
  type('key', ' segredo ');
  const button = screen.getByTestId('key-keep');
  await waitFor(() => expect(button).toBeEnabled());
  button.click();
  await waitFor(() => expect(button).toHaveTextContent('Guardar a chave'));
  button.click();
  await waitFor(() => expect(screen.queryByTestId('channel-no-key')).toBeNull());
  expect(clinic.payloadsOf('keep_channel_keys')).toEqual([
    { id: 'channel', keys: { key: 'segredo', relay_key: null } },
  ]);
});

test('how a connection is used is changed without a trial; another address is tried first', async () => {
  const clinic = open({ session: session(), channels: { channels: [{}] } }, settings);
  (await screen.findByTestId('channel-edit')).click();
  await screen.findByTestId('channel-form');
  type('daily_cap', '50');
  (await screen.findByTestId('channel-keep')).click();
  await waitFor(() => expect(screen.queryByTestId('channel-panel')).toBeNull());
  expect(clinic.payloadsOf('change_channel')).toEqual([
    { id: 'channel', wish: { ...wish, daily_cap: 50 }, keys: null },
  ]);
  screen.getByTestId('channel-edit').click();
  await screen.findByTestId('channel-form');
  type('url', 'https://outro.clinica.com.br');
  (await screen.findByTestId('channel-test')).click();
  await screen.findByTestId('channel-keep');
  expect(clinic.payloadsOf('try_channel')).toMatchObject([{ id: 'channel', keys: null }]);
});

test('pausing is undone with one click, and removing says what is lost', async () => {
  const clinic = open({ session: session(), channels: { channels: [{}] } }, settings);
  (await screen.findByTestId('channel-use')).click();
  await waitFor(() => expect(screen.getByTestId('channel-standing')).toHaveTextContent('Pausada'));
  expect(screen.queryByTestId('work-line')).toBeNull();
  (await screen.findByRole('button', { name: 'Desfazer' })).click();
  await waitFor(() => expect(screen.getByTestId('channel-standing')).toHaveTextContent('Conectada'));
  screen.getByTestId('channel-remove').click();
  const dialog = await screen.findByTestId('channel-remove-dialog');
  for (const words of [
    'a chave é apagada',
    'Perde-se o que chegou',
    'As conversas ficam',
    'continua pareado',
  ])
    expect(dialog).toHaveTextContent(words);
  screen.getByTestId('channel-remove-yes').click();
  expect(await screen.findByText(/não é mais usada/)).toBeVisible();
  expect(clinic.payloadsOf('remove_channel')).toEqual([{ id: 'channel' }]);
});

test('a number at Meta is asked for with its relay', async () => {
  const clinic = open({ session: session() }, settings);
  (await screen.findByTestId('channel-add')).click();
  await screen.findByTestId('channel-form');
  document.querySelector<HTMLInputElement>('[name=kind][value=cloud_api]')!.click();
  await waitFor(() => expect(document.querySelector('[name=relay_url]')).not.toBeNull());
  expect(document.querySelector<HTMLInputElement>('[name=url]')!.value).toContain('graph.facebook.com');
  type('name', 'Oficial');
  type('instance', '106540352242922');
  type('key', 'token');
  const button = screen.getByTestId('channel-test');
  expect(button, 'without a relay nothing would come in').toBeDisabled();
  type('relay_url', 'https://relay.clinica.com.br');
  type('relay_key', 'outra');
  await waitFor(() => expect(button).toBeEnabled());
  button.click();
  (await screen.findByTestId('channel-keep')).click();
  await waitFor(() =>
    expect(clinic.payloadsOf('add_channel')).toMatchObject([
      {
        keys: { key: 'token', relay_key: 'outra' },
        wish: { kind: 'cloud_api', relay_url: 'https://relay.clinica.com.br' },
      },
    ]),
  );
});

test('an attendant sees how the connections are and changes nothing', async () => {
  const channels = { channels: [{}], may_change: false, may_work: false };
  open({ session: session('attendant'), channels }, settings);
  expect(await screen.findByTestId('channel')).toBeVisible();
  for (const testid of ['channel-add', 'channel-edit', 'channel-use', 'channel-remove', 'channel-enter-key'])
    expect(screen.queryByTestId(testid)).toBeNull();
});

test('a professional has no part in it', async () => {
  open({ session: session('professional') }, settings);
  expect(await screen.findByTestId('connection')).toBeVisible();
  expect(screen.queryByTestId('channels')).toBeNull();
});

test('a list that cannot be read says why and is asked for again', async () => {
  const clinic = open({ session: session(), refuse: { get_channels: 'no_session' } }, settings);
  const section = await screen.findByTestId('channels');
  const again = await within(section).findByRole('button', { name: /de novo/ });
  clinic.set({ refuse: {} });
  again.click();
  expect(await screen.findByTestId('channels-none')).toBeVisible();
});
