import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Connect, Plugin } from 'vite';
import type { Commands } from '../../src/lib/bridge/bindings';
import { FakeClinic, type Scenario } from './clinic.ts';

async function body<T>(request: IncomingMessage): Promise<T> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return JSON.parse(text) as T;
}

function answer(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(value));
}

/** What the hosts send with the page: nothing from elsewhere, no script in the page. */
const policy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; base-uri 'none'";

/** Speaks the program's HTTP for an invented clinic. `POST /fake` begins a new one, in a given state. */
export function fakeBackend(): Plugin {
  let clinic = new FakeClinic();
  const streams = new Set<() => void>();

  const handle: Connect.NextHandleFunction = (request, response, next) => {
    void (async () => {
      if (request.method === 'POST' && request.url === '/call') {
        const { cmd, payload } = await body<{ cmd: keyof Commands; payload: never }>(request);
        try {
          answer(response, 200, await clinic.call(cmd, payload));
        } catch (refusal) {
          answer(response, 400, refusal);
        }
      } else if (request.url === '/events') {
        response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
        response.write(': hello\n\n');
        const stop = clinic.listen((change) => response.write(`data: ${JSON.stringify(change)}\n\n`));
        const end = () => response.end();
        streams.add(end);
        request.on('close', () => {
          stop();
          streams.delete(end);
        });
      } else if (request.method === 'POST' && request.url === '/notices/open') {
        clinic.click((await body<{ conversation_id: string | null }>(request)).conversation_id);
        response.writeHead(204).end();
      } else if (request.method === 'POST' && request.url === '/fake') {
        const scenario = await body<Scenario & { keep?: boolean; at?: number; size?: number }>(request);
        if (!scenario.keep) {
          clinic = new FakeClinic(scenario.at, scenario.size);
          for (const end of streams) end();
        }
        clinic.set(scenario);
        answer(response, 200, {});
      } else next();
    })().catch((error: unknown) =>
      answer(response, 500, { code: 'internal', message: String(error), reference: null }),
    );
  };

  return {
    name: 'fake-backend',
    configureServer: (server) => void server.middlewares.use(handle),
    configurePreviewServer: (server) => {
      server.middlewares.use((_request, response, next) => {
        response.setHeader('Content-Security-Policy', policy);
        next();
      });
      server.middlewares.use(handle);
    },
  };
}
