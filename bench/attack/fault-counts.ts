/**
 * How many connections the router has ended, by reason: `signalbox_http2_faults_total` of its
 * server side.
 */
export async function faultCounts(adminPort: number): Promise<Record<string, number>> {
  const response = await fetch(`http://127.0.0.1:${adminPort}/metrics`);
  const counts: Record<string, number> = {};
  for (const [, labels = "", value] of (await response.text()).matchAll(SERIES)) {
    const reason = /reason="([^"]+)"/u.exec(labels)?.[1];
    if (reason !== undefined && labels.includes('side="server"')) counts[reason] = Number(value);
  }
  return counts;
}

const SERIES = /^signalbox_http2_faults_total\{([^}]*)\} (\d+)/gmu;
