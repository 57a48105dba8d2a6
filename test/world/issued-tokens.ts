// Every code, access and refresh token the demo identity provider has ever issued: opaque, and named by themselves in its store.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export function issuedTokens(dataDir: string): readonly string[] {
  const store = new DatabaseSync(join(dataDir, 'identity-provider.sqlite'), { readOnly: true })
  const rows = store.prepare("SELECT id FROM artefacts WHERE model IN ('AccessToken', 'RefreshToken', 'AuthorizationCode')").all()
  store.close()
  return rows.map(({ id }) => String(id))
}
