/** Keeps some of the disk free: what is copied may not take the space that the log needs. */
import { VaultError } from '../vault/vault.ts';

export class Room {
  readonly #freeBytes: () => Promise<number>;
  readonly #keepFreeBytes: number;
  #underWay = 0;

  /** @param freeBytes how much is free now, where copies are kept */
  constructor(freeBytes: () => Promise<number>, keepFreeBytes: number) {
    this.#freeBytes = freeBytes;
    this.#keepFreeBytes = keepFreeBytes;
  }

  /** Does what writes `sizeBytes`, if there is room for it beside what is under way. @throws VaultError disk-full */
  async during<T>(sizeBytes: number, job: () => Promise<T>): Promise<T> {
    const free = (await this.#freeBytes()) - this.#underWay - this.#keepFreeBytes;
    if (sizeBytes > free) {
      throw new VaultError(
        'disk-full',
        `${sizeBytes} bytes are to be copied, and ${this.#keepFreeBytes} are kept free: there is no room for them`,
      );
    }
    this.#underWay += sizeBytes;
    try {
      return await job();
    } finally {
      this.#underWay -= sizeBytes;
    }
  }
}
