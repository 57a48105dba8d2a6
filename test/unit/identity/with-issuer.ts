// An issuer of its own for each test.
import { afterEach, beforeEach } from 'vitest'
import { TrustedIssuer } from '../../world/trusted-issuer.ts'

/** Unix seconds. */
export const now = (): number => Math.floor(Date.now() / 1000)

/** To be called at the top of a file. */
export function eachWithIssuer(begin: (issuer: TrustedIssuer) => void): void {
  let issuer: TrustedIssuer
  beforeEach(async () => {
    issuer = await TrustedIssuer.start()
    begin(issuer)
  })
  afterEach(async () => {
    await issuer.close()
  })
}
