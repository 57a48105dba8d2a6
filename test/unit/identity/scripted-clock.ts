// A scripted provider of its own for each test, and a clock that goes only where the test says.
import { afterEach, beforeEach, vi } from 'vitest'
import { ScriptedProvider } from './scripted-provider.ts'

/** To be called at the top of a file. */
export function atScriptedProvider(begin: (server: ScriptedProvider) => void): void {
  let server: ScriptedProvider
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    vi.spyOn(console, 'warn').mockReturnValue()
    server = await ScriptedProvider.start()
    begin(server)
  })
  afterEach(async () => {
    vi.useRealTimers()
    vi.restoreAllMocks()
    await server.close()
  })
}
