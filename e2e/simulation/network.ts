/** The links between the writer and those who cosign: slow, cut, losing answers, delivering twice and late. */
import type { WitnessAnswer, WitnessTransport } from '../../apps/server/src/witnessing/witness-transport.ts';
import type { OutsideRecord } from './record.ts';
import type { Random } from './random.ts';
import { pass } from './virtual-time.ts';

/** Whoever answers tlog-witness requests at an address. Rejects where a server would be away or answer 5xx. */
export interface Answering {
  addCheckpoint(body: string): Promise<WitnessAnswer>;
  latestCheckpoint(originHash: string): Promise<WitnessAnswer>;
}

export interface Link {
  /** `cut`: refused at once; `silent`: packets vanish. */
  state: 'up' | 'cut' | 'silent';
  /** The most that either direction takes. */
  delayMs: number;
  /** 0 ≤ x < 1 */
  losesAnswers: number;
  repeats: number;
}

const GOOD_LINK: Link = { state: 'up', delayMs: 5, losesAnswers: 0, repeats: 0 };

export class SimulatedNetwork {
  readonly links = new Map<string, Link>();
  readonly #peers: ReadonlyMap<string, Answering>;
  readonly #random: Random;
  readonly #record: OutsideRecord;
  /** What has passed, to be replayed. */
  readonly #past: { readonly url: string; readonly body: string }[] = [];

  constructor(peers: ReadonlyMap<string, Answering>, random: Random, record: OutsideRecord) {
    this.#peers = peers;
    this.#random = random;
    this.#record = record;
    this.heal();
  }

  heal(): void {
    for (const url of this.#peers.keys()) this.links.set(url, { ...GOOD_LINK });
  }

  /** As one life of the writer uses it. */
  transport(isAlive: () => boolean): WitnessTransport {
    return {
      addCheckpoint: (url, body, signal) =>
        this.#exchange(isAlive, url, signal, async (peer) => {
          this.#record.see('sent to a cosigner', noteOf(body));
          this.#past.push({ url, body });
          if (this.#chance(url, 'repeats')) this.#replay();
          return peer.addCheckpoint(body);
        }),
      latestCheckpoint: (url, originHash, signal) =>
        this.#exchange(isAlive, url, signal, (peer) => peer.latestCheckpoint(originHash)),
    };
  }

  #exchange(
    isAlive: () => boolean,
    url: string,
    signal: AbortSignal,
    ask: (peer: Answering) => Promise<WitnessAnswer>,
  ): Promise<WitnessAnswer> {
    const abandoned = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('no answer in time')));
    });
    const asked = this.#deliver(isAlive, url, ask);
    for (const either of [abandoned, asked]) either.catch(() => undefined);
    return Promise.race([asked, abandoned]);
  }

  async #deliver(
    isAlive: () => boolean,
    url: string,
    ask: (peer: Answering) => Promise<WitnessAnswer>,
  ): Promise<WitnessAnswer> {
    if (!isAlive()) throw new Error('the process is dead');
    await this.#cross(url);
    const peer = this.#peers.get(url);
    if (peer === undefined) throw new Error(`nobody is at ${url}`);
    const answer = await ask(peer);
    await this.#cross(url);
    if (this.#chance(url, 'losesAnswers')) await never();
    return answer;
  }

  async #cross(url: string): Promise<void> {
    const link = this.#link(url);
    await pass(this.#random.between(0, link.delayMs));
    if (link.state === 'cut') throw new Error('ECONNREFUSED');
    if (link.state === 'silent') await never();
  }

  /** Something that passed at any time arrives once more; nobody waits for the answer. */
  #replay(): void {
    const { url, body } = this.#random.pick(this.#past);
    void pass(this.#random.between(0, 2_000))
      .then(() => this.#peers.get(url)?.addCheckpoint(body))
      .catch(() => undefined);
  }

  #chance(url: string, of: 'losesAnswers' | 'repeats'): boolean {
    return this.#random.chance(this.#link(url)[of]);
  }

  #link(url: string): Link {
    return this.links.get(url) ?? GOOD_LINK;
  }
}

/** The checkpoint in the body of an add-checkpoint. */
export function noteOf(body: string): string {
  return body.slice(body.indexOf('\n\n') + 2);
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
