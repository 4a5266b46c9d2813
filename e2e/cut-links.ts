/**
 * Three centres on links that are really cut: each in a network namespace of its own, with a veth pair to every other one, or,
 * where namespaces may not be made, behind TCP proxies on loopback whose sockets are destroyed and refused.
 */
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { TcpLink } from './tcp-link.ts';

export const CENTRES = ['washington', 'zurich', 'singapore'] as const;
export type CentreName = (typeof CENTRES)[number];

export interface CutLinks {
  readonly kind: 'namespaces' | 'proxies';
  /** Where the centre listens, and where others reach it. */
  addressOf(centre: CentreName): { readonly host: string; readonly port: number; readonly url: string };
  /** Where this one reaches the writer. */
  writerFor(centre: CentreName): string;
  /** What stands before the command of a centre's process. */
  commandIn(centre: CentreName): readonly string[];
  cut(a: CentreName, b: CentreName): void;
  heal(): void;
}

const PORT = 8080;
/** Where the test itself stands: reached from each centre by a link that is never cut. */
const CONTROL = 'control';
const nodes = [...CENTRES, CONTROL] as const;
type Node = (typeof nodes)[number];

const ip = (...args: readonly string[]): string =>
  execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const hostOf = (node: Node): string => `10.77.0.${nodes.indexOf(node) + 1}`;
const nameOf = (prefix: string, node: Node): string => `${prefix}-${node}`;

/** Makes the namespaces, with every link up. @returns false where that is not allowed */
export function makeNamespaces(prefix: string): boolean {
  try {
    for (const node of nodes) {
      ip('netns', 'add', nameOf(prefix, node));
      ip('-n', nameOf(prefix, node), 'link', 'set', 'lo', 'up');
    }
    for (const [i, a] of nodes.entries()) for (const b of nodes.slice(i + 1)) makeLink(prefix, a, b);
    return true;
  } catch {
    removeNamespaces(prefix);
    return false;
  }
}

export function removeNamespaces(prefix: string): void {
  for (const node of nodes) {
    try {
      ip('netns', 'del', nameOf(prefix, node));
    } catch {
      // It was never made.
    }
  }
}

/** The command that runs another where the test stands. */
export const commandInControl = (prefix: string): [string, ...string[]] => [
  'ip',
  'netns',
  'exec',
  nameOf(prefix, CONTROL),
];

function makeLink(prefix: string, a: Node, b: Node): void {
  ip(
    ...['link', 'add', `to-${b}`, 'netns', nameOf(prefix, a), 'type', 'veth'],
    ...['peer', 'name', `to-${a}`, 'netns', nameOf(prefix, b)],
  );
  for (const [here, there] of [
    [a, b],
    [b, a],
  ] as const) {
    const at = ['-n', nameOf(prefix, here)];
    ip(...at, 'addr', 'add', hostOf(here), 'peer', hostOf(there), 'dev', `to-${there}`);
    ip(...at, 'link', 'set', `to-${there}`, 'up');
  }
}

/** As the process sees them that `commandInControl` runs. */
export function namespaceLinks(prefix: string): CutLinks {
  const set = (a: CentreName, b: CentreName, state: 'up' | 'down'): void => {
    ip('-n', nameOf(prefix, a), 'link', 'set', `to-${b}`, state);
  };
  const urlOf = (centre: CentreName): string => `http://${hostOf(centre)}:${PORT}`;
  return {
    kind: 'namespaces',
    addressOf: (centre) => ({ host: hostOf(centre), port: PORT, url: urlOf(centre) }),
    writerFor: () => urlOf('washington'),
    commandIn: (centre) => ['ip', 'netns', 'exec', nameOf(prefix, centre)],
    cut: (a, b) => set(a, b, 'down'),
    heal() {
      for (const a of CENTRES) for (const b of CENTRES) if (a !== b) set(a, b, 'up');
    },
  };
}

/**
 * Each follower is reached through a proxy, and reaches the writer through another. A proxy cannot tell who connects, so the
 * followers cannot be parted from each other alone: who cannot reach the writer is cut off from all.
 */
export async function proxyLinks(): Promise<CutLinks> {
  const [washington, zurich, singapore] = await freePorts();
  const ports = { washington, zurich, singapore };
  const host = '127.0.0.1';
  const open = (port: number): Promise<TcpLink> => TcpLink.open({ target: { host, port } });
  const inward = { zurich: await open(zurich), singapore: await open(singapore) };
  const outward = { zurich: await open(washington), singapore: await open(washington) };
  const urlOf = (port: number): string => `http://${host}:${port}`;
  const linksOf = (a: CentreName, b: CentreName): TcpLink[] =>
    [a, b].flatMap((centre) => (centre === 'washington' ? [] : [inward[centre], outward[centre]]));
  return {
    kind: 'proxies',
    addressOf: (centre) => ({
      host,
      port: ports[centre],
      url: urlOf(centre === 'washington' ? washington : inward[centre].port),
    }),
    writerFor: (centre) => urlOf(centre === 'washington' ? washington : outward[centre].port),
    commandIn: () => [],
    cut(a, b) {
      for (const link of linksOf(a, b)) link.cut();
    },
    heal() {
      for (const link of linksOf('zurich', 'singapore')) link.heal();
    },
  };
}

async function freePorts(): Promise<[number, number, number]> {
  const probes = CENTRES.map(() => createServer().listen(0, '127.0.0.1'));
  await Promise.all(probes.map((probe) => once(probe, 'listening')));
  const [a = 0, b = 0, c = 0] = probes.map((probe) => {
    const address = probe.address();
    if (address === null || typeof address === 'string') throw new Error('no port was given');
    return address.port;
  });
  for (const probe of probes) {
    probe.close();
    await once(probe, 'close');
  }
  return [a, b, c];
}
