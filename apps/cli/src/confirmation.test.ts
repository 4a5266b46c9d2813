import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { confirm } from './confirmation.ts';
import { Failure } from './failure.ts';
import { silent } from './progress.ts';

async function answered(text: string | undefined): Promise<{ agreed: boolean; asked: string }> {
  const answers = new PassThrough();
  if (text === undefined) answers.end();
  else answers.write(text);
  let asked = '';
  const terminal = {
    print: () => undefined,
    note: (line: string) => {
      asked += line;
    },
    colour: false,
    progress: silent,
  };
  try {
    await confirm('End it?', answers, terminal);
    return { agreed: true, asked };
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    expect(thrown.exitCode).toBe(1);
    return { agreed: false, asked };
  }
}

test('only the word yes confirms', async () => {
  for (const text of ['yes\n', 'YES\n', ' yes \nno\n'])
    expect(await answered(text)).toEqual({ agreed: true, asked: 'End it? Type yes:' });
  for (const text of ['y\n', 'no\nyes\n', '\nyes\n', 'yes please\n', undefined])
    expect((await answered(text)).agreed).toBe(false);
});
