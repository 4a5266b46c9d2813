/** Which callers may: whoever has the secret of a watch, and whoever does not ask too often. */
import { isIPv6 } from 'node:net';
import { CentreError } from '../error.ts';
import type { HourlyQuota } from './quota.ts';
import type { WatchRegister, WatchRow } from './register.ts';
import { isSecret } from './signature.ts';

/** The watch of this ID, for who has its secret. @throws CentreError `watch-unknown`, the same whether there is one or not */
export function watchOf(register: WatchRegister, id: string, secret: string | undefined): WatchRow {
  const watch = register.get(id);
  if (watch === undefined || secret === undefined || !isSecret(secret, watch.secret))
    throw new CentreError(
      'watch-unknown',
      'Send “Authorization: Bearer SECRET” with the secret that came with the watch. One that was not confirmed in time is forgotten.',
    );
  return watch;
}

/** @throws CentreError `too-many-watches` */
export function mayAskAgain(quota: HourlyQuota, name: string, whose: string): void {
  const retryAfterMs = quota.take(name);
  if (retryAfterMs === undefined) return;
  throw new CentreError('too-many-watches', `${whose} for watches and challenges too often in this hour.`, {
    retryAfterMs,
  });
}

/** As whom a network address counts: of IPv6 the network, which is one caller's as a rule. */
export function callerOf(address: string): string {
  const [, mapped] = /^::ffff:([0-9.]+)$/i.exec(address) ?? [];
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address;
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').split('::', 2);
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].slice(0, 4).join(':');
}
