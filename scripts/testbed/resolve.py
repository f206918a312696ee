#!/usr/bin/env python3
"""resolve.py SERVER NAME ADDRESS: succeeds when the DNS server says that NAME has that IPv4 address."""
import socket
import struct
import sys

server, name, address = sys.argv[1:]
question = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0" + struct.pack(">HH", 1, 1)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
    udp.settimeout(1)
    udp.sendto(struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + question, (server, 53))
    try:
        answer = udp.recv(512)
    except OSError as error:
        sys.exit(f"{server}: {error}")
if socket.inet_aton(address) not in answer[12 + len(question) :]:
    sys.exit(f"{server}: {name} is not {address}")
