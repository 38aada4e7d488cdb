#!/bin/bash
sleep 1
mkdir "$@"
