/**
 * Reads one revision of a git repository as a source tree, through `git ls-tree` and one `git cat-file --batch`: no checkout, no hooks,
 * no filters, no network. Blobs are recorded as git stores them (so Git LFS pointers stay pointers).
 */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { ByteReader, UnexpectedEnd } from './byte-reader.ts';
import { decodePath, PathRegister } from './entry-path.ts';
import { defaultLimits, LimitGuard } from './limits.ts';
import type { SourceLimits } from './limits.ts';
import type { FileMode } from './manifest.ts';
import { SourceError } from './source-error.ts';
import type { SourceTree } from './source-tree.ts';

/** How many blobs are asked for before they are read; the requests stay below the 64 KiB of a pipe. */
const REQUESTS_AHEAD = 256;

export interface GitOptions {
  readonly limits?: SourceLimits;
  /** Environment of git; GIT_DIR and its like in it would choose another repository than `dir`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

interface Blob {
  readonly path: string;
  readonly mode: FileMode;
  readonly objectId: string;
}

/**
 * @param dir a repository or a folder in one
 * @param revision what `git rev-parse` understands: a tag, a branch, a commit
 * @throws SourceError program-missing | git-failed | unknown-revision
 */
export async function readGit(dir: string, revision: string, options: GitOptions = {}): Promise<SourceTree> {
  const git = new Git(dir, options.environment);
  const limits = options.limits ?? defaultLimits;
  const tree = await git.resolve(revision);
  return {
    description: `git revision ${revision} of ${dir} (tree ${tree})`,
    files: async function* (only) {
      const guard = new LimitGuard(limits);
      const blobs: Blob[] = [];
      const register = new PathRegister();
      for await (const blob of git.list(tree)) {
        register.add(blob.path, blob.mode === '120000' ? 'link' : 'file');
        guard.take(blob.path, 0);
        if (only?.has(blob.path) !== false) blobs.push(blob);
      }
      const contents = git.contents(blobs);
      try {
        for (const blob of blobs) {
          const { sizeBytes, content } = await contents.next(blob);
          guard.addBytes(blob.path, sizeBytes);
          yield { path: blob.path, mode: blob.mode, sizeBytes, content };
        }
      } finally {
        await contents.close();
      }
    },
  };
}

type GitProcess = ChildProcessByStdio<Writable, Readable, Readable>;

class Git {
  readonly #dir: string;
  readonly #environment: Readonly<Record<string, string | undefined>> | undefined;

  constructor(dir: string, environment: Readonly<Record<string, string | undefined>> | undefined) {
    this.#dir = dir;
    this.#environment = environment;
  }

  /** The object id of the revision's tree. */
  async resolve(revision: string): Promise<string> {
    const run = this.#run(['rev-parse', '--verify', '--end-of-options', `${revision}^{tree}`]);
    let out = '';
    for await (const chunk of run.process.stdout) out += String(chunk);
    const { code, stderr } = await run.ended();
    if (code === 128 && /needed a single revision|unknown revision|bad revision/i.test(stderr))
      throw new SourceError('unknown-revision', `git knows no revision ${JSON.stringify(revision)}`, {
        path: this.#dir,
      });
    if (code !== 0 || !/^[0-9a-f]{40,64}\n$/.test(out)) throw this.failure(stderr);
    return out.trim();
  }

  async *list(tree: string): AsyncGenerator<Blob> {
    const run = this.#run(['ls-tree', '-r', '-z', '--full-tree', tree]);
    const reader = new ByteReader(run.process.stdout);
    try {
      while (!(await reader.atEnd())) yield parseTreeLine(await reader.until(0, 64 * 1024));
      const { code, stderr } = await run.ended();
      if (code !== 0) throw this.failure(stderr);
    } catch (cause) {
      if (!(cause instanceof UnexpectedEnd)) throw cause;
      throw this.failure((await run.ended()).stderr);
    } finally {
      run.process.kill('SIGKILL');
    }
  }

  contents(blobs: readonly Blob[]): BlobContents {
    const run = this.#run(['cat-file', '--batch']);
    return new BlobContents(blobs, run, (stderr) => this.failure(stderr));
  }

  failure(stderr: string): SourceError {
    return new SourceError('git-failed', `git failed: ${stderr.trim().slice(0, 500) || 'no reason given'}`, {
      path: this.#dir,
    });
  }

  #run(args: readonly string[]): RunningGit {
    const process: GitProcess = spawn(
      'git',
      [
        '-C',
        this.#dir,
        '--no-replace-objects',
        '--no-optional-locks',
        '-c',
        'protocol.allow=never',
        '-c',
        'core.fsmonitor=false',
        ...args,
      ],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
        ...(this.#environment === undefined ? {} : { env: this.#environment }),
      },
    );
    return new RunningGit(process);
  }
}

class RunningGit {
  readonly process: GitProcess;
  readonly #ended: Promise<{ code: number | null; error?: Error }>;
  #stderr = '';

  constructor(process: GitProcess) {
    this.process = process;
    process.stderr.setEncoding('utf8');
    process.stderr.on('data', (text: string) => {
      if (this.#stderr.length < 4096) this.#stderr += text;
    });
    // A git that ended early is told apart by its exit, not by the broken pipe.
    process.stdin.on('error', () => undefined);
    this.#ended = new Promise((resolve) => {
      process.on('error', (error) => resolve({ code: null, error }));
      process.on('close', (code) => resolve({ code }));
    });
  }

  /** @throws SourceError program-missing */
  async ended(): Promise<{ code: number | null; stderr: string }> {
    const { code, error } = await this.#ended;
    if (error !== undefined)
      throw new SourceError('program-missing', 'the program git is needed and could not be started', {
        cause: error,
      });
    return { code, stderr: this.#stderr };
  }
}

/** The contents of blobs in their order, asked for ahead of being read. */
class BlobContents {
  readonly #blobs: readonly Blob[];
  readonly #run: RunningGit;
  readonly #reader: ByteReader;
  readonly #failure: (stderr: string) => SourceError;
  #asked = 0;
  #given = 0;
  #left = 0;
  #newlineDue = false;

  constructor(blobs: readonly Blob[], run: RunningGit, failure: (stderr: string) => SourceError) {
    this.#blobs = blobs;
    this.#run = run;
    this.#reader = new ByteReader(run.process.stdout);
    this.#failure = failure;
  }

  /** Must be called with the blobs in their order. */
  async next(blob: Blob): Promise<{ sizeBytes: number; content: () => AsyncGenerator<Uint8Array> }> {
    this.#ask();
    this.#given++;
    return this.#guard(async () => {
      await this.#reader.skip(this.#left + (this.#newlineDue ? 1 : 0));
      this.#newlineDue = false;
      const header = Buffer.from(await this.#reader.until(0x0a, 4096)).toString('latin1');
      const size = header.startsWith(`${blob.objectId} blob `) ? header.slice(blob.objectId.length + 6) : '';
      if (!/^(0|[1-9][0-9]{0,15})$/.test(size))
        throw new SourceError('git-failed', `git lacks its content (${header}); is the clone partial?`, {
          path: blob.path,
        });
      const sizeBytes = Number(size);
      this.#left = sizeBytes;
      this.#newlineDue = true;
      return { sizeBytes, content: () => this.#content() };
    });
  }

  async close(): Promise<void> {
    this.#run.process.kill('SIGKILL');
    await this.#reader.close();
  }

  async *#content(): AsyncGenerator<Uint8Array> {
    while (this.#left > 0) {
      const part = await this.#guard(() => this.#reader.some(this.#left));
      this.#left -= part.length;
      yield part;
    }
  }

  #ask(): void {
    if (this.#asked - this.#given > REQUESTS_AHEAD / 2) return;
    const ahead = this.#blobs.slice(this.#asked, this.#given + REQUESTS_AHEAD);
    if (ahead.length === 0) return;
    this.#asked += ahead.length;
    this.#run.process.stdin.write(ahead.map((blob) => `${blob.objectId}\n`).join(''));
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof UnexpectedEnd || cause instanceof RangeError)
        throw this.#failure((await this.#run.ended()).stderr);
      throw cause;
    }
  }
}

/** `<mode> SP <type> SP <object id> TAB <path>` */
function parseTreeLine(line: Uint8Array): Blob {
  const tab = line.indexOf(0x09);
  const path = decodePath(line.subarray(tab + 1));
  const [mode, type, objectId] = Buffer.from(line.subarray(0, Math.max(tab, 0)))
    .toString('latin1')
    .split(' ');
  if (mode === '160000')
    throw new SourceError(
      'submodule',
      'it is a submodule, whose files are not part of this revision; publish a folder or an archive that contains them',
      { path },
    );
  if (objectId === undefined || type !== 'blob')
    throw new SourceError('git-failed', `git lists a ${type ?? 'line'} where a file belongs`, { path });
  // Git itself wrote 100664 before 2005; it is a plain file.
  if (mode === '100644' || mode === '100664') return { path, mode: '100644', objectId };
  if (mode === '100755' || mode === '120000') return { path, mode, objectId };
  throw new SourceError(
    'unknown-entry-type',
    `its git mode ${mode ?? ''} is not a file, an executable or a link`,
    {
      path,
    },
  );
}
