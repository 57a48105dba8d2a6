// Which machine presents a token for one of the broker's own doors: the credential itself, or an access token it was given for it.
import { looksLikeMachineToken } from '../oauth/tokens/machine-tokens.ts'
import { bearerToken } from './bearer-token.ts'
import type { Services } from '../services.ts'

/** As receipts and security events name it, and what it is called. */
export interface MachineCaller {
  readonly actor: string
  readonly actorName: string
}

/** Undefined where it is none, not for this resource, or not any more. */
export async function machineOf(
  authorization: string | undefined,
  resource: string,
  { machines, signedTokens, session }: Pick<Services, 'machines' | 'signedTokens' | 'session'>,
): Promise<MachineCaller | undefined> {
  const token = bearerToken(authorization) ?? ''
  const caller = looksLikeMachineToken(token)
    ? await machines.verify(token, resource)
    : await signedTokens.verifyAccessToken(token, resource)
  const machine = caller && (await session(caller.sub).identify(caller))
  return caller && machine && { actor: caller.sub, actorName: `machine ${machine.name ?? ''} (${caller.clientId})` }
}
