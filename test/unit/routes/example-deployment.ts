// The deployment that unit tests of routes ask: the fewest settings a broker starts with, and objects that nobody may ask unless a test says so.
import { assetFolder } from '../../world/asset-folder.ts'
import { foundation, wired, type Outside, type Services } from '../../../src/services.ts'

export const BASE_URL = 'https://mcp.example.com'
const SETTINGS = {
  BASE_URL,
  DOWNSTREAM_MCP_URL: 'https://tools.example.com/mcp',
  OAUTH_AUTHORIZE_URL: 'https://idp.example',
  OAUTH_CLIENT_ID: 'broker',
  ENCRYPTION_KEY: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
}

function nobody(): never {
  throw new Error('no object is asked')
}

const now = (): number => Math.floor(Date.now() / 1000)

export async function exampleDeployment(more: object = {}, outside: Partial<Outside> = {}): Promise<Services> {
  return wired(await foundation({ ...SETTINGS, ...more }), {
    session: nobody,
    directory: nobody,
    assets: assetFolder,
    now,
    ...outside,
  })
}
