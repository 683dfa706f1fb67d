#!/bin/sh
# The command line of PostCast Server: the program itself, run as plain Node.js.
self=$0
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in
    /*) self=$link ;;
    *) self=$(dirname "$self")/$link ;;
  esac
done
here=$(cd "$(dirname "$self")" && pwd -P) || exit 1
if [ -x "$here/postcast-server" ]; then
  program=$here/postcast-server
  resources=$here/resources
else
  # macOS: this file lies in PostCast Server.app/Contents/Resources.
  program="$here/../MacOS/PostCast Server"
  resources=$here
fi
ELECTRON_RUN_AS_NODE=1 exec "$program" "$resources/app.asar/out/main/cli.js" "$@"
