"""An SMTP gateway of a provider, for the network laboratory: takes mail from its own customers only.

Arguments: address to listen on, port, subnet of the customers. Options as further arguments: "slow=SECONDS" waits before
the final reply; "mute=ADDRESS" never answers DATA from that client. Prints a JSON object a line: {"ready": true}, then
{"id", "client", "at"} for every message that it took, {"refused", "client", "at"} for every recipient that it refused,
{"muted", "client", "at"} for every DATA that it leaves unanswered.
"""
import asyncio
import ipaddress
import json
import sys
import time

host, port, subnet = sys.argv[1:4]
options = dict(word.split("=", 1) for word in sys.argv[4:])
customers = ipaddress.ip_network(subnet)
slow = float(options.get("slow", "0"))
mute = options.get("mute")


def say(what):
    print(json.dumps(what), flush=True)


async def serve(reader, writer):
    client = writer.get_extra_info("peername")[0]
    ours = ipaddress.ip_address(client) in customers

    def answer(text):
        writer.write((text + "\r\n").encode())

    try:
        answer("220 gateway.test ESMTP")
        wanted = 0
        while True:
            line = (await reader.readline()).decode("latin-1").strip()
            verb = line.upper()
            if not line:
                break
            if verb.startswith("EHLO"):
                answer("250-gateway.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 30000000")
            elif verb.startswith("RCPT"):
                if ours:
                    wanted += 1
                    answer("250 2.1.5 ok")
                else:
                    say({"refused": line, "client": client, "at": time.time() * 1000})
                    answer("554 5.7.1 relaying denied")
            elif verb.startswith("DATA"):
                if wanted == 0:
                    answer("554 5.5.1 no valid recipients")
                    continue
                if client == mute:
                    say({"muted": client, "client": client, "at": time.time() * 1000})
                    continue
                answer("354 go on")
                name = ""
                while True:
                    text = await reader.readline()
                    if not text:
                        return
                    if text == b".\r\n":
                        break
                    if text.lower().startswith(b"subject:") and name == "":
                        name = text[8:].decode("latin-1").strip()
                if slow:
                    await asyncio.sleep(slow)
                say({"id": name, "client": client, "at": time.time() * 1000})
                answer("250 2.0.0 taken")
                wanted = 0
            elif verb.startswith("QUIT"):
                answer("221 bye")
                break
            else:
                if verb.startswith(("RSET", "MAIL")):
                    wanted = 0
                answer("250 ok")
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, host, int(port), limit=1 << 20)
    say({"ready": True})
    async with server:
        await server.serve_forever()


asyncio.run(main())
