/** A TCP link that a test or a benchmark bends: it delays both directions alike, and is cut as a cable is, or refused. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface TcpLinkOptions {
  /** Where what arrives is carried to. */
  readonly target: { readonly host: string; readonly port: number };
  /** Where it is to be reached; port 0 lets the system choose. */
  readonly listen?: { readonly host: string; readonly port: number };
  /** Added to each direction, in milliseconds; a round trip takes twice as long. */
  readonly delayMs?: number;
}

export class TcpLink {
  readonly #options: TcpLinkOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(options: TcpLinkOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#carry(socket));
  }

  /** Listens. @throws Error if it cannot */
  static async open(options: TcpLinkOptions): Promise<TcpLink> {
    const link = new TcpLink(options);
    const { host, port } = options.listen ?? { host: '127.0.0.1', port: 0 };
    link.#server.listen(port, host);
    await once(link.#server, 'listening');
    return link;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the link is closed');
    return address.port;
  }

  /** From now on connections are refused; those that there are end at once. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  heal(): void {
    this.#isCut = false;
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #carry(near: Socket): void {
    if (this.#isCut) {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ ...this.#options.target, noDelay: true, allowHalfOpen: true });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (bytes) => this.#later(() => to.write(bytes)));
      from.on('end', () => this.#later(() => to.end()));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        this.#later(() => to.destroySoon());
      });
    }
  }

  /** Timers of one duration fire in the order in which they were set, so nothing overtakes. */
  #later(then: () => void): void {
    const { delayMs = 0 } = this.#options;
    if (delayMs === 0) then();
    else setTimeout(then, delayMs);
  }
}
