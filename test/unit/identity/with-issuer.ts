// An issuer of its own for each test.
import { perTest } from '../../world/fixture.ts'
import { TrustedIssuer } from '../../world/trusted-issuer.ts'

/** Unix seconds. */
export const now = (): number => Math.floor(Date.now() / 1000)

/** To be called at the top of a file. */
export function eachWithIssuer(): { readonly issuer: TrustedIssuer } {
  return perTest(async (closing) => ({ issuer: await closing(TrustedIssuer.start()) }))
}
