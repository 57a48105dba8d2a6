// A scripted provider of its own for each test, and a clock that goes only where the test says.
import { vi } from 'vitest'
import { OidcProvider } from '../../../src/identity/oidc.ts'
import { perTest } from '../../world/fixture.ts'
import { settingsFor } from './logins.ts'
import { ScriptedProvider } from './scripted-provider.ts'

interface AtProvider {
  readonly server: ScriptedProvider
  readonly provider: OidcProvider
}

/** To be called at the top of a file. */
export function atScriptedProvider(): AtProvider {
  return perTest(async (closing, onEnd) => {
    onEnd(() => vi.restoreAllMocks())
    onEnd(() => vi.useRealTimers())
    vi.useFakeTimers({ toFake: ['Date'] })
    vi.spyOn(console, 'warn').mockReturnValue()
    const server = await closing(ScriptedProvider.start())
    return { server, provider: new OidcProvider(settingsFor(server.issuer)) }
  })
}
