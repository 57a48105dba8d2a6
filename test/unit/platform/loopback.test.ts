// Which hosts are this computer, for every part of the broker alike.
import { describe, expect, test } from 'vitest'
import { STRANGERS_ONLY, faultOfAddress } from '../../../src/clients/public-address.ts'
import { discover } from '../../../src/identity/discovery.ts'
import { isAllowedAddress } from '../../../src/linking/ask.ts'
import { isLoopback } from '../../../src/platform/loopback.ts'
import { isOpenHttp } from '../../../src/settings/problem.ts'

const THIS_COMPUTER = [
  'localhost',
  'LOCALHOST',
  'idp.localhost',
  '127.0.0.1',
  '127.0.0.2',
  '127.255.255.254',
  '2130706433',
  '[::1]',
]
const ANOTHER = [
  'localhost.example',
  'notlocalhost',
  'localhost.',
  '127.0.0.1.example',
  '128.0.0.1',
  '0.0.0.0',
  '[::2]',
  '[::ffff:127.0.0.1]',
]

describe('this computer', () => {
  test.for(THIS_COMPUTER)('is %s', (host) => {
    expect(isLoopback(new URL(`http://${host}:8788/`))).toBe(true)
  })

  test.for(ANOTHER)('is not %s', (host) => {
    expect(isLoopback(new URL(`http://${host}:8788/`))).toBe(false)
  })

  test.for(THIS_COMPUTER)('%s may be asked over plain http by every part, where the broker is here too', async (host) => {
    const address = `http://${host}:9/`
    expect(isOpenHttp(address)).toBe(false)
    expect(isAllowedAddress(address, 'http://127.0.0.1:9/mcp')).toBe(true)
    await expect(discover(address, [])).rejects.not.toThrow('is not https')
    const document = new URL('app', address).href
    expect(faultOfAddress(document, { ownHosts: ['localhost:8788'], loopback: true })).toBeUndefined()
    expect(faultOfAddress(document, STRANGERS_ONLY)).toBe('is not https')
  })
})
