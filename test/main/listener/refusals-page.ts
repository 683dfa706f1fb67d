/** docs/refusals.md, made from the table of replies. */
import { REFUSALS, type ReplyRow } from '../../../main/listener/replies.ts';

/** The page docs/refusals.md, whole. */
export function refusalsPage(): string {
  const rows = Object.values<ReplyRow>(REFUSALS).map(
    (row) =>
      `| ${row.code} | ${row.enhanced ?? ''} | ${row.text} | ${row.when}${row.closes ? ' — the connection is closed' : ''} |`,
  );
  return `# What the listener refuses

Every refusal that a mail program can get from PostCast Server, with its reply code and enhanced status code (RFC 3463).
4yz: the client may try again; 5yz: as it stands, never. Each refusal is listed in the log. This page is made from the
table in \`main/listener/replies.ts\` and a test keeps the two equal.

| code | enhanced | words | when |
|---|---|---|---|
${rows.join('\n')}

Without a reply: TLS bytes on the plain port and connections that never say anything are closed; nothing of theirs is taken.
A port that is taken or forbidden is no refusal to a client: the window and the tray say so and offer another port.
`;
}
