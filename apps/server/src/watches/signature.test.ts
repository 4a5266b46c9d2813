import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { isSecret, newSecret, signWebhook } from './signature.ts';

const vectors = v.parse(
  v.array(
    v.strictObject({
      name: v.string(),
      secret: v.string(),
      id: v.string(),
      timestamp: v.number(),
      body: v.string(),
      signature: v.string(),
    }),
  ),
  JSON.parse(
    readFileSync(join(import.meta.dirname, '../../../../vectors/standard-webhooks/symmetric.json'), 'utf8'),
  ),
);

test.each(vectors)('$name', ({ body, id, secret, signature, timestamp }) => {
  expect(signWebhook(secret, id, timestamp, body)).toEqual({
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signature,
  });
});

test('a library of Standard Webhooks accepts what is signed here, and nothing else', () => {
  const secret = newSecret();
  const body = '{"type":"statements","summary":"„ü“"}';
  const headers = { ...signWebhook(secret, 'msg_1', Math.floor(Date.now() / 1000), body) };
  expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
  expect(() => new Webhook(secret).verify(`${body} `, headers)).toThrow();
  expect(() => new Webhook(newSecret()).verify(body, headers)).toThrow();
});

test('a secret is 32 bytes of its own, and only it is recognised', () => {
  const secret = newSecret();
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(Buffer.from(secret.slice('whsec_'.length), 'base64')).toHaveLength(32);
  expect(newSecret()).not.toBe(secret);
  expect(isSecret(secret, secret)).toBe(true);
  for (const other of ['', secret.slice(0, -1), `${secret}=`, newSecret(), secret.toLowerCase()])
    expect(isSecret(other, secret)).toBe(false);
});
