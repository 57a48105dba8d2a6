// Reads /metrics as Prometheus does, with a credential that an administrator has made for it.
import { AdminProgram } from './administrator.ts'

export async function scrape(brokerUrl: string): Promise<string> {
  const carol = await AdminProgram.signedIn(brokerUrl, 'carol')
  const expiresAt = Math.floor(Date.now() / 1000) + 3_600
  const asked = { name: 'prometheus', owner: 'ops', scopes: ['metrics'], expiresAt, reason: 'a test' }
  const created = await carol.post('/machines', asked)
  const { token }: { readonly token: string } = JSON.parse(await created.text())
  const headers = { authorization: `Bearer ${token}`, accept: 'application/openmetrics-text; version=1.0.0' }
  return await (await fetch(`${brokerUrl}/metrics`, { headers })).text()
}
