/**
 * Runs inside a network namespace whose black hole swallows every packet (test/support/blackhole.ts): a mail server with
 * two gateways, the better one in the hole. Prints how long messages took to arrive at the other one, as JSON.
 */
import net from 'node:net';
import { WILLING, startScriptedServer } from '../fakes/scripted-smtp-server.ts';
import { startPostfix } from '../bench/postfix.ts';
import { eventually, gateway, startProgramLab, submitBySmtp } from './program-lab.ts';

const [, , subject = 'program', hole = '', following = '20'] = process.argv;
const arrivedAt = new Map<string, number>();
const sink = await startScriptedServer({
  ...WILLING,
  message: (_line, session) => {
    const number = /^Subject: (\S+)/m.exec(session.messages.at(-1) ?? '')?.[1];
    if (number !== undefined) arrivedAt.set(number, performance.now());
    return '250 2.0.0 taken';
  },
});

async function start(): Promise<{ readonly port: number; close(): Promise<void> }> {
  if (subject === 'postfix') {
    const postfix = await startPostfix(sink.port, [
      `relayhost = [${hole}]:587`,
      `smtp_fallback_relay = [127.0.0.1]:${sink.port}`,
    ]);
    return { port: postfix.port, close: () => postfix.end() };
  }
  return startProgramLab({
    gateways: {
      mode: 'always',
      list: [gateway('hole', 587, { host: hole, priority: 'highest' }), gateway('other', sink.port)],
    },
  });
}

const program = await start();
const took = async (name: string): Promise<number> => {
  const since = performance.now();
  await submitBySmtp(program.port, { to: ['bob@far.test'], text: `Subject: ${name}\r\n\r\nx\r\n` });
  const at = await eventually(`${name} never arrived`, () => arrivedAt.get(name), 200_000);
  return at - since;
};
// The namespace has nothing but this; a connection that ends at once would mean that the hole is none.
await new Promise<void>((resolve, reject) => {
  const socket = net.connect(587, hole);
  socket.once('error', reject);
  socket.once('connect', () => {
    reject(new Error('the black hole answers'));
  });
  setTimeout(() => {
    socket.destroy();
    resolve();
  }, 500);
});
const first = await took('first');
const rest: number[] = [];
if (subject === 'postfix') {
  // All at once: one after the other would only add up what each one waits.
  rest.push(...(await Promise.all(Array.from({ length: Number(following) }, (_, i) => took(`n${i}`)))));
} else for (let i = 0; i < Number(following); i += 1) rest.push(await took(`n${i}`));
process.stdout.write(`RESULT ${JSON.stringify({ first, rest })}\n`);
await program.close();
await sink.close();
process.exit(0);
