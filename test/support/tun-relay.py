"""A dial-up link without PPP in the kernel: a TUN of the same name in two network namespaces and a relay between them.

Arguments: name, file of the first namespace, file of the second. Standard input, a line each: "delay MILLISECONDS",
"silent" (packets vanish, the link stays), "loud" (they do not), "hang-up" (or the end of input): ends the relay, and with it
both interfaces and their routes, as a hang-up does. Prints "ready" once both interfaces exist.
"""
import ctypes
import fcntl
import heapq
import os
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
CLONE_NEWNET = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)


def open_tun(name, namespace):
    handle = os.open(namespace, os.O_RDONLY)
    if libc.setns(handle, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns " + namespace)
    os.close(handle)
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return tun


def main():
    name, first, second = sys.argv[1:4]
    ends = [open_tun(name, first), open_tun(name, second)]
    print("ready", flush=True)
    delay, silent, waiting, count, commands = 0.0, False, [], 0, b""
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, target, packet = heapq.heappop(waiting)
            try:
                os.write(target, packet)
            except OSError:
                pass  # the other end is down: the packet is lost, as on a line
        pause = max(0.0, waiting[0][0] - now) if waiting else None
        for ready in select.select([0, *ends], [], [], pause)[0]:
            if ready == 0:
                chunk = os.read(0, 4096)
                if not chunk:
                    return
                *lines, commands = (commands + chunk).split(b"\n")
                for line in lines:
                    words = line.decode().split()
                    if words == ["hang-up"]:
                        return
                    if words[:1] == ["delay"]:
                        delay = int(words[1]) / 1000
                    elif words in (["silent"], ["loud"]):
                        silent = words == ["silent"]
                continue
            try:
                packet = os.read(ready, 65536)
            except OSError:
                continue
            if not silent:
                count += 1
                heapq.heappush(waiting, (time.monotonic() + delay, count, ends[1 - ends.index(ready)], packet))


main()
