/** How long servers are waited for (RFC 5321 §4.5.3.2). Pure. */

/** Milliseconds that a server has in each phase. */
export interface PhaseTimeouts {
  /** For each address. */
  readonly connect: number;
  readonly greeting: number;
  /** EHLO, STARTTLS, TLS handshake, AUTH, MAIL, RCPT, RSET. */
  readonly command: number;
  /** Reply to DATA. */
  readonly data: number;
  /** Taking one block of the message. */
  readonly block: number;
  /** Reply to the final dot: never below ten minutes, or mail is sent twice. */
  readonly final: number;
}

const MINUTE = 60_000;

/** Time-outs from `connection.serverTimeoutSeconds`: gateways keep to it, an MX has at least what the RFC asks. */
export function phaseTimeouts(serverTimeoutSeconds: number, kind: 'gateway' | 'mx' | 'lan'): PhaseTimeouts {
  const set = serverTimeoutSeconds * 1000;
  const patient = kind === 'mx';
  return {
    connect: Math.min(set, 30_000),
    greeting: patient ? Math.max(set, 5 * MINUTE) : set,
    command: patient ? Math.max(set, 5 * MINUTE) : set,
    data: Math.max(set, 2 * MINUTE),
    block: Math.max(set, 3 * MINUTE),
    final: Math.max(set, 10 * MINUTE),
  };
}
