/**
 * Windows: a PowerShell child that waits for .NET's NetworkChange events and prints what it then sees, one JSON object a line.
 * Here: its script, and the reading of its lines (pure). Not yet run on Windows itself: docs/platforms.md.
 */
import { z } from 'zod';
import type { LinkKind } from '../../../shared/status.ts';
import type { NetworkFacts } from '../facts.ts';

/**
 * Everything that can be had from .NET's NetworkInterface is taken from there: it is the same since Windows 7 and knows RAS
 * connections, which Get-NetAdapter does not list. The empty line every five minutes ends the child when nobody reads it.
 */
export const SNAPSHOT_SCRIPT = `
$ErrorActionPreference = 'SilentlyContinue'
[Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false
function Write-Snapshot {
  $metric = @{}
  Get-NetRoute -DestinationPrefix '0.0.0.0/0', '::/0' | ForEach-Object { $metric["$($_.ifIndex) $($_.NextHop)"] = [int]$_.RouteMetric + [int]$_.InterfaceMetric }
  $profiles = @{}
  Get-NetConnectionProfile | ForEach-Object { $profiles[[string]$_.InterfaceIndex] = [string]$_.Name }
  $links = foreach ($nic in [System.Net.NetworkInformation.NetworkInterface]::GetAllNetworkInterfaces()) {
    if ($nic.OperationalStatus -ne 'Up' -or $nic.NetworkInterfaceType -eq 'Loopback') { continue }
    $ip = $nic.GetIPProperties()
    $index = $null
    try { $index = $ip.GetIPv4Properties().Index } catch { }
    if ($null -eq $index) { try { $index = $ip.GetIPv6Properties().Index } catch { } }
    $gateways = foreach ($gateway in $ip.GatewayAddresses) {
      $address = $gateway.Address.ToString()
      $neighbour = Get-NetNeighbor -InterfaceIndex $index -IPAddress ($address -replace '%.*$', '') | Select-Object -First 1
      @{ address = $address; mac = [string]$neighbour.LinkLayerAddress; metric = $metric["$index $($address -replace '%.*$', '')"] }
    }
    @{
      device = $nic.Name; description = $nic.Description; type = [int]$nic.NetworkInterfaceType; suffix = [string]$ip.DnsSuffix
      profile = $profiles[[string]$index]; gateways = @($gateways)
      onlink = $metric["$index 0.0.0.0"]
      addresses = @($ip.UnicastAddresses | ForEach-Object { @{ address = $_.Address.ToString(); prefix = [int]$_.PrefixLength } })
    }
  }
  $cost = $null
  try { $cost = [string][Windows.Networking.Connectivity.NetworkInformation, Windows.Networking.Connectivity, ContentType = WindowsRuntime]::GetInternetConnectionProfile().GetConnectionCost().NetworkCostType } catch { }
  [Console]::Out.WriteLine((ConvertTo-Json -Compress -Depth 5 @{ links = @($links); cost = $cost }))
}
$change = [System.Net.NetworkInformation.NetworkChange]
Register-ObjectEvent -InputObject $change -EventName NetworkAddressChanged -SourceIdentifier postcast.address | Out-Null
Register-ObjectEvent -InputObject $change -EventName NetworkAvailabilityChanged -SourceIdentifier postcast.availability | Out-Null
try {
  Write-Snapshot
  while ($true) {
    $event = Wait-Event -Timeout 300
    if ($null -eq $event) { [Console]::Out.WriteLine(''); continue }
    Start-Sleep -Milliseconds 100
    Get-Event | Remove-Event
    Write-Snapshot
  }
} catch { exit 0 }
`;

/** PowerShell takes a script as base64 of UTF-16LE: no quoting, nothing of it is seen by a shell. */
export function encodedScript(script: string): string {
  return Buffer.from(script, 'utf16le').toString('base64');
}

const text = z.string().nullish();
/** ConvertTo-Json of Windows PowerShell makes an object of an array of one. */
const many = <T extends z.ZodType>(item: T) => z.preprocess((value: unknown) => asArray(value), z.array(item));
function asArray(value: unknown): readonly unknown[] {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) ? (value as readonly unknown[]) : [value];
}
const snapshotSchema = z.looseObject({
  links: many(
    z.looseObject({
      device: z.string(),
      description: text,
      type: z.number(),
      suffix: text,
      profile: text,
      onlink: z.number().nullish(),
      gateways: many(z.looseObject({ address: z.string(), mac: text, metric: z.number().nullish() })),
      addresses: many(z.looseObject({ address: z.string(), prefix: z.number() })),
    }),
  ),
  cost: text,
});

/** A route without a metric of its own comes after those that have one. */
const LAST_METRIC = 1_000_000;

/** Reads a line of the script; null for the empty line and for anything that is not a snapshot. */
export function parseSnapshot(line: string): NetworkFacts | null {
  if (line.trim() === '') return null;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  const parsed = snapshotSchema.safeParse(value);
  if (!parsed.success) return null;
  const { links, cost } = parsed.data;
  const bare = (address: string): string => address.replace(/%.*$/, '').toLowerCase();
  const withGateway = links.find(({ gateways }) => gateways.length > 0);
  return {
    links: links.map(({ device, description, type, profile, addresses }) => {
      const kind = kindOfInterface(type, `${device} ${description ?? ''}`);
      return {
        device,
        kind,
        toldKind: null,
        // A RAS connection's interface bears the name of its entry in the phone book.
        name: kind === 'ppp' || kind === 'vpn' ? device : profile || null,
        addresses: addresses.map(({ address, prefix }) => ({ address: bare(address), prefix })),
      };
    }),
    routes: links.flatMap(({ device, gateways, onlink }) => [
      ...gateways.map(({ address, metric }) => ({
        family: address.includes(':') ? (6 as const) : (4 as const),
        device,
        gateway: address === '0.0.0.0' || address === '::' ? null : bare(address),
        metric: metric ?? LAST_METRIC,
      })),
      ...(typeof onlink === 'number' ? [{ family: 4 as const, device, gateway: null, metric: onlink }] : []),
    ]),
    neighbours: links.flatMap(({ device, gateways }) =>
      gateways.flatMap(({ address, mac }) => (mac ? [{ device, address: bare(address), mac }] : [])),
    ),
    dnsSuffix: withGateway?.suffix?.toLowerCase() || null,
    portal: null,
    metered: cost === null || cost === undefined || cost === 'Unknown' ? null : cost !== 'Unrestricted',
  };
}

/** System.Net.NetworkInformation.NetworkInterfaceType (ifType of IANA). */
function kindOfInterface(type: number, words: string): LinkKind {
  if (/\b(vpn|wireguard|wintun|tap-windows|tailscale|openvpn|anyconnect)\b/i.test(words)) return 'vpn';
  if (type === 71) return 'wifi';
  if (type === 243 || type === 244) return 'mobile';
  if (type === 23) return 'ppp';
  if (type === 131 || type === 53) return 'vpn';
  if (/\b(hyper-v|vethernet|virtualbox|vmware)\b/i.test(words)) return 'other';
  return type === 6 || type === 26 || type === 69 || type === 117 ? 'ethernet' : 'other';
}
