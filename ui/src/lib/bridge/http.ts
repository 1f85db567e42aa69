import type { ApiError, Change } from './bindings';
import type { Transport } from './transport';

declare global {
  interface Window {
    /** Set by tests before the page loads. */
    __BALCAO_TOKEN__?: string;
  }
}

const gone: ApiError = { code: 'program_gone', message: 'The program does not answer.', reference: null };

function headers(): Record<string, string> {
  const token = window.__BALCAO_TOKEN__ ?? sessionStorage.getItem('balcao-token');
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** The program without a window, at the address this page came from. */
export function http(base = ''): Transport {
  return {
    async call(cmd, payload) {
      let answer: Response;
      try {
        answer = await fetch(`${base}/call`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', ...headers() },
          body: JSON.stringify({ cmd, payload }),
        });
      } catch {
        throw gone;
      }
      const body: unknown = await answer.json().catch(() => null);
      if (!answer.ok) throw body ?? { ...gone, code: 'internal', message: `HTTP ${answer.status}` };
      return body as never;
    },

    listen(heard) {
      const stop = new AbortController();
      void follow(`${base}/events`, stop.signal, heard);
      return () => stop.abort();
    },
  };
}

/** Reads the stream for ever; each new connection counts as a reset, because entries may have passed in between. */
async function follow(
  url: string,
  signal: AbortSignal,
  heard: (what: Change | { reset: true }) => void,
): Promise<void> {
  let pause = 250;
  while (!signal.aborted) {
    try {
      const answer = await fetch(url, { headers: { Accept: 'text/event-stream', ...headers() }, signal });
      if (answer.ok && answer.body) {
        pause = 250;
        heard({ reset: true });
        await read(answer.body, heard);
      }
    } catch {
      if (signal.aborted) return;
    }
    await new Promise((wake) => setTimeout(wake, pause));
    pause = Math.min(pause * 2, 5000);
  }
}

async function read(body: ReadableStream<Uint8Array>, heard: (change: Change) => void): Promise<void> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (rest + value.replaceAll('\r\n', '\n')).split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) {
      const data = event
        .split('\n')
        .filter((line) => line.startsWith('data:'))
        .map((line) => line.slice(5).trim())
        .join('\n');
      if (data) heard(JSON.parse(data) as Change);
    }
  }
}
