/** The instance that `npm start` and `npm run dev` show: where its data is, and where it listens. */
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { run } from './child-process.ts';
import { bin, root } from './repository.ts';

export interface Instance {
  /** Absolute. */
  readonly data: string;
  readonly port: number;
  readonly url: string;
  /** The key that may publish. */
  readonly keyFile: string;
}

/** @throws Error saying what to do, when PORT is no port or is taken */
export async function chooseInstance(environment: NodeJS.ProcessEnv): Promise<Instance> {
  const { PORT: portText = '8080', VITRINE_DATA: dataPath = join(root, '.vitrine', 'data') } = environment;
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : Number.NaN;
  if (!(port >= 1 && port <= 65_535))
    throw new Error(`PORT=${portText} is not a port: use a number from 1 to 65535`);
  if (await answers(port)) {
    throw new Error(
      `port ${port} is taken by another program: end that one, or choose another port, e.g. PORT=${port === 65_535 ? 8081 : port + 1} npm start`,
    );
  }
  const data = resolve(dataPath);
  return { data, port, url: `http://127.0.0.1:${port}`, keyFile: join(data, 'keys', 'root.pem') };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Makes the data folder with `vitrine init` unless it is there. @returns whether it was made */
export async function initialise({ data }: Instance): Promise<boolean> {
  if (existsSync(join(data, 'vitrine.json'))) return false;
  await run(bin('vitrine'), ['init', '--data', data, '--origin', 'vitrine.localhost']);
  return true;
}
