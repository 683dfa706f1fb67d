/** English words about signing in at a provider (OAuth 2; spec §3.4). */
export const enSignIn = {
  'gateway.state.signInNeeded': 'Paused: sign in to use this gateway.',
  'gateway.state.signInEnded': 'Paused: the sign-in has ended. Sign in again.',

  'problem.oauth-sign-in': 'Sign in to use “{gateway}”. Until then it is left out.',

  'oauth.signed-in': 'Signed in. The gateway can be used now.',
  'oauth.signed-out': 'Signed out. The gateway is left out until you sign in again.',
  'oauth.no-client-id':
    'This program is not registered with that provider yet. Enter a client ID of your own (from the provider’s developer console), save, and sign in again.',
  'oauth.bad-issuer': 'Enter google, microsoft, or the https address of the provider.',
  'oauth.not-oauth2': 'This gateway does not use OAuth 2. Choose it, save, and sign in again.',
  'oauth.no-browser': 'The browser could not be opened.',
  'oauth.no-port': 'No local port could be opened for the answer of the browser.',
  'oauth.timeout': 'No answer came from the browser in time. Try again.',
  'oauth.cancelled': 'The sign-in was stopped.',
  'oauth.flooded': 'Something else on this computer interfered with the sign-in. Try again.',
  'oauth.declined': 'The sign-in was not given: access was denied.',
  'oauth.refused': 'The provider refused the sign-in ({code}).',
  'oauth.not-reachable': 'The provider could not be reached. Check the network and try again.',
  'oauth.bad-provider': 'The provider answered in a way that this program does not understand.',
  'oauth.not-stored': 'The sign-in could not be kept: {detail}',
} as const;
