/** What `postcast --help` says. */

export const HELP = `Usage: postcast COMMAND [--profile DIR] [--json]    (options stand anywhere)

Talks to the PostCast Server that runs for this user.

  status                      what the program is doing
  list [--folder F]           messages of a folder: outbox (default), sent, bad, bounced, deleted
  show ID [--raw]             a message: who got it, what was tried; --raw: its source
  retry ID… | --all           try again; from Bad and Bounced only the recipients that failed,
                              never one that is with a server at this moment
  delete ID…                  to Deleted; from Deleted for good, unless it is being sent
  send-now                    everything that waits goes now
  pause, resume               hold everything, go on
  settings get [NAME]         all settings, or one: gateways.mode
  settings set NAME VALUE     change one; VALUE as JSON or as plain text
  settings export [FILE]      settings without passwords, to FILE or standard output
  settings import [FILE]      from FILE or standard input
  settings go-on              keep what stands in place of values that cannot be read
  secret set GATEWAY-ID       password of a gateway, from standard input (one line)
                              --accept-obfuscated: also where there is no key store
  secret remove GATEWAY-ID
  sendmail [-t] [-i] [-f FROM] [RCPT…]
                              takes a message on standard input, like sendmail(8),
                              also while the program is not running; exit codes of
                              sysexits.h: 0 only if the message is safe on disk
  quit                        end the program
  version

  --profile DIR               the profile folder of the program (default: the user's)
  --json                      machine-readable answers
  --                          what follows is not an option

Exit code: 0 only on success; 1 refused or failed; 2 not understood; 3 the program is not running.`;
