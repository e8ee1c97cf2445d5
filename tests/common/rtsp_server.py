#!/usr/bin/python3
"""A camera for tests: serves an MP4 file over RTSP in real time, at rtsp://127.0.0.1:PORT/cam.

usage: rtsp_server.py FILE [--login USER PASSWORD] [--alaw]

Prints `READY PORT` once it listens. --alaw sends G.711 instead of the file's AAC, as many cameras do. It ends when its
standard input does, so that it never outlives its test.
"""

import argparse
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

ROLE = "viewer"


def pipeline(file, alaw):
    picture = "demux.video_0 ! queue ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=1"
    if alaw:
        noise = "audiotestsrc is-live=true wave=pink-noise ! audio/x-raw,rate=8000,channels=1"
        sound = f"{noise} ! alawenc ! rtppcmapay name=pay1 pt=8"
    else:
        sound = "demux.audio_0 ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97"
    return f'( filesrc location="{file}" ! qtdemux name=demux {picture} {sound} )'


def protect(server, factory, user, password):
    """Digest authentication: whoever knows the password may watch."""
    may_watch = GstRtspServer.RTSPToken()
    may_watch.set_string("media.factory.role", ROLE)
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    auth.add_digest(user, password, may_watch)
    server.set_auth(auth)
    rights = f"{ROLE}, media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
    permissions = GstRtspServer.RTSPPermissions.new()
    permissions.add_role_from_structure(Gst.Structure.new_from_string(rights))
    factory.set_permissions(permissions)


def main():
    words = argparse.ArgumentParser()
    words.add_argument("file")
    words.add_argument("--login", nargs=2)
    words.add_argument("--alaw", action="store_true")
    args = words.parse_args()

    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(pipeline(args.file, args.alaw))
    factory.set_shared(True)
    if args.login:
        protect(server, factory, *args.login)
    server.get_mount_points().add_factory("/cam", factory)
    if server.attach(None) == 0:
        sys.exit("no port is free")
    loop = GLib.MainLoop()
    GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IOCondition.HUP, lambda *_: loop.quit())
    print("READY", server.get_bound_port(), flush=True)
    loop.run()


main()
