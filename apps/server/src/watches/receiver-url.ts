/** Which URLs may be asked for: what can be told from the URL alone. To which addresses its host leads is looked at with every request. */
import { isIP } from 'node:net';
import { CentreError } from '../error.ts';
import { isAllowedAddress } from './address-policy.ts';

/** Of ports with a service of their own only those of the web: nobody is made to talk to a mail server. */
const FIRST_FREE_PORT = 1024;
const WEB_PORTS = [80, 443];

export interface ReceiverUrl {
  /** As WHATWG spells it, without a fragment. */
  readonly href: string;
  /** By which its watches are counted. */
  readonly host: string;
}

/** @throws CentreError `watch-url-refused` */
export function parseReceiverUrl(text: string, allowPrivate: boolean): ReceiverUrl {
  const url = URL.parse(text);
  if (url === null) throw refused('It is not an address.');
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:'))
    throw refused(allowPrivate ? 'Use https or http.' : 'Use https.');
  if (url.username !== '' || url.password !== '')
    throw refused('A user name or password in it would be stored and shown: take it out.');
  const host = hostOf(url);
  if (host === '') throw refused('It names no host.');
  const isLocalName = /(?:^|\.)localhost$/.test(host);
  if (isIP(host) === 0 ? isLocalName && !allowPrivate : !isAllowedAddress(host, allowPrivate))
    throw refused(`${host} is not a public address.`);
  const port = portOf(url);
  if (port < FIRST_FREE_PORT && !WEB_PORTS.includes(port))
    throw refused(`Port ${port} belongs to another service: use 443, or one from ${FIRST_FREE_PORT}.`);
  url.hash = '';
  return { href: url.href, host };
}

/** Without brackets, and without the dot that ends a name which is whole. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

function portOf({ port, protocol }: URL): number {
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

function refused(detail: string): CentreError {
  return new CentreError('watch-url-refused', detail, { pointer: '/body/url' });
}
