#!/bin/sh
set -e

# it's "quoted" $HOME
exec java -jar app.jar   
