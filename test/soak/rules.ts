/** What has to hold in a soak, whatever happens. Each violation names one of these. */
export const RULES = {
  lost: 'an accepted recipient is nowhere, and no user took it away',
  stuck: 'with everything well again, a recipient still waits',
  unfounded: 'a recipient counts as delivered, and never arrived',
  forgotten: 'a recipient was taken, the program heard so, and does not say it',
  twice: 'a recipient arrived more often than user and unknown outcomes explain',
  unnamed: 'a recipient was closed that the user did not name',
  causeless: 'a recipient failed, and no server refused it, no limit was reached and its domain exists',
  untold: 'a recipient failed, and the sender who wanted to know was not told, or told too often',
  direct: 'a recipient went directly where that was forbidden',
  gateway: 'a recipient went through a gateway that was not to be used',
  held: 'something was connected to while the queue had to hold',
  closed: 'a recipient was sent to after the user had closed it',
  refused: 'a message that was not accepted was sent',
  doubt: 'unknown outcomes were repeated at the same hop, too often or though another one was usable',
  text: 'a recipient got another text than the one that was meant',
  trouble: 'the program said that something inside of it went wrong',
} as const;

export type Rule = keyof typeof RULES;
