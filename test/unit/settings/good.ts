// The fewest variables with which a broker starts; which servers there are a test says itself, or takes the one here.
export const GOOD = {
  BASE_URL: 'https://mcp.example.com',
  OAUTH_AUTHORIZE_URL: 'https://idp.example.com',
  OAUTH_CLIENT_ID: 'broker',
  ENCRYPTION_KEY: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
}

export const ONE_SERVER = { DOWNSTREAM_MCP_URL: 'https://tools.example.com/mcp' }
