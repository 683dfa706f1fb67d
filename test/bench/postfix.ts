import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort, start, untilGreeting } from './processes.ts';

/** A mail server under load, Postfix or ours. */
export interface Subject {
  readonly name: string;
  readonly port: number;
  /** Milliseconds from its start to its first greeting. */
  readonly startMs: number;
  /** Its first process. */
  readonly pid: number;
  end(): Promise<void>;
}

/**
 * Postfix as Debian sets it up, in folders and on a port of its own, with the sink as its relay host
 * (or with `more` lines of configuration instead). What differs from
 * the defaults is listed in docs/bench.md. Needs root: Postfix itself does.
 */
export async function startPostfix(sinkPort: number, more: readonly string[] = []): Promise<Subject> {
  const folder = await mkdtemp(path.join(tmpdir(), 'postcast-bench-postfix-'));
  // Its daemons run as the user postfix and have to get in.
  chmodSync(folder, 0o755);
  const [config, queue, data] = ['etc', 'spool', 'lib'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const one of [config, queue, data]) await mkdir(one, { mode: 0o755 });
  execFileSync('chown', ['postfix:', data]);
  const port = await freePort();
  const master = await readFile('/usr/share/postfix/master.cf.dist', 'utf8');
  await writeFile(
    path.join(config, 'master.cf'),
    master
      // Not in a jail, which would have to be furnished first; and on our port.
      .replaceAll(/^(\S+\s+(?:unix|inet|fifo|unix-dgram)\s+\S+\s+\S+\s+)y(\s)/gm, '$1n$2')
      .replace(/^smtp(\s+inet)/m, `127.0.0.1:${port}$1`),
  );
  await writeFile(
    path.join(config, 'main.cf'),
    [
      'compatibility_level = 3.6',
      `queue_directory = ${queue}`,
      `data_directory = ${data}`,
      'myhostname = postfix.bench.test',
      'mydestination =',
      'alias_maps =',
      'mynetworks = 127.0.0.0/8',
      'inet_interfaces = 127.0.0.1',
      'inet_protocols = ipv4',
      ...(more.length > 0 ? more : [`relayhost = [127.0.0.1]:${sinkPort}`]),
      '',
    ].join('\n'),
  );
  await new Promise((resolve, reject) => {
    // `check` makes the folders of the queue; it complains about nothing that matters here.
    const check = start('postfix', ['-c', config, 'check']);
    check.child.once('exit', resolve);
    check.child.once('error', reject);
  });
  const since = performance.now();
  const program = start('/usr/lib/postfix/sbin/master', ['-c', config, '-d']);
  const end = async (): Promise<void> => {
    await program.end();
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    const startMs = await untilGreeting(port, since, program);
    return { name: 'Postfix', port, startMs, pid: program.pid, end };
  } catch (error) {
    await end();
    throw error;
  }
}
