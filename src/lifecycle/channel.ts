// The lease and the runner's channel: the events that follow from what the object sees of the channel.
import type { OperationEvent } from "./event";
import type { OperationRecord } from "./record";

export interface Channel {
  isOpen: boolean;
  /** When its last keep-alive was received. The runtime answers keep-alives without waking the object. */
  lastKeepAliveTime: number | undefined;
}

/**
 * Whether the runner has lost its channel and no event has said so yet. The object asks before every event, because an
 * object that was reset has lost its channels without being told that they closed.
 */
export function hasLostChannel({ lease }: OperationRecord, channel: Channel): boolean {
  return lease !== undefined && lease.channelLostTime === undefined && !channel.isOpen;
}

/**
 * The events to apply before time passes. The loss of a channel sets the end of the lease, so the keep-alives of a lost
 * channel do not count. Those of an open channel count when the lease is due.
 */
export function channelEvents(record: OperationRecord, channel: Channel, now: number): OperationEvent[] {
  const { lease } = record;
  if (!lease) return [];
  const { fence } = lease;
  if (hasLostChannel(record, channel)) return [{ type: "channelLost", fence }];
  const { isOpen, lastKeepAliveTime } = channel;
  if (!isOpen || lastKeepAliveTime === undefined || lease.leaseEndTime > now) return [];
  return [{ type: "keepAlive", fence, receivedTime: lastKeepAliveTime }];
}
