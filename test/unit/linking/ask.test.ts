// Where the broker lets itself be sent by the documents of a server: nowhere inside, and nowhere in the open.
import { describe, expect, test } from 'vitest'
import { isAllowedAddress } from '../../../src/linking/ask.ts'

const SERVER = 'https://tools.example.com/mcp'

describe('49. an address that the metadata of a server name is', () => {
  test.for(['https://login.example.com/token', 'https://sso.corp.internal/token', 'https://tools.example.com:8443/token'])(
    'asked: %s',
    (address) => {
      expect(isAllowedAddress(address, SERVER)).toBe(true)
    },
  )

  test.for<[string, string]>([
    ['in the open', 'http://login.example.com/token'],
    ['this computer by name', 'https://localhost/token'],
    ['this computer by a name below it', 'https://a.localhost/token'],
    ['this computer by number', 'https://127.0.0.1/token'],
    ['this computer in six', 'https://[::1]/token'],
    ['a private network', 'https://10.0.0.1/token'],
    ['what clouds tell about themselves', 'https://169.254.169.254/latest'],
    ['the same as one number', 'https://2852039166/latest'],
    ['the same in octal', 'https://0251.0376.0251.0376/latest'],
    ['the same in six', 'https://[64:ff9b::a9fe:a9fe]/latest'],
    ['with a password', 'https://me:secret@login.example.com/token'],
    ['with a fragment', 'https://login.example.com/token#there'],
    ['another scheme', 'file:///etc/passwd'],
    ['a script', 'javascript:alert(1)'],
    ['no address', 'token'],
  ])('not asked: %s, %s', ([, address]) => {
    expect(isAllowedAddress(address, SERVER)).toBe(false)
  })

  test('on this computer, where the server itself is', () => {
    expect(isAllowedAddress('http://127.0.0.1:9000/token', 'http://localhost:8790/mcp')).toBe(true)
    expect(isAllowedAddress('http://login.example.com/token', 'http://localhost:8790/mcp')).toBe(false)
    expect(isAllowedAddress('https://10.0.0.1/token', 'https://10.0.0.1/mcp')).toBe(true)
    expect(isAllowedAddress('https://10.0.0.2/token', 'https://10.0.0.1/mcp')).toBe(false)
  })
})
