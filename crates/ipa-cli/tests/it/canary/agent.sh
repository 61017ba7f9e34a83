#!/bin/sh
# Speaks as Claude Code does, and cannot keep a secret.
if [ "$1" = --version ]; then echo "1 (canary $PLAIN_KEY)"; exit; fi
IFS= read -r told
head='{"type":"assistant","session_id":"s","message":{"id":"m","role":"assistant","model":"m","content":[{"type":"text","text":"'
tail='"}],"usage":{"input_tokens":0,"output_tokens":0}}}'
say() { printf '%s%s%s\n' "$head" "$1" "$tail"; }
end() {
  printf '{"type":"result","subtype":"success","is_error":false,"stop_reason":"end_turn","session_id":"s","result":"%s"}\n' "$1"
  exit
}
encoded() { printf "$1%s" "$BASE64_KEY" | base64 -w0; }
echo '{"type":"system","subtype":"init","session_id":"s","model":"m"}'
case "$IPA_ROLE" in
spec)
  if [ ! -e "$HOME/tried" ]; then
    touch "$HOME/tried"
    echo "cannot log in with $PLAIN_KEY" >&2
    exit 126
  fi
  end '{document}'
  ;;
plan) end '# Plan\n\n1. Write it (AC1)\n' ;;
*)
  say "plain $PLAIN_KEY"
  say "base64 $(encoded '') $(encoded x) $(encoded xy)"
  say 'url {url}'
  printf '%s%s' "$head" "split $(printf %s "$SPLIT_SECRET" | cut -c-12)"
  sleep 0.3
  printf '%s%s\n' "$(printf %s "$SPLIT_SECRET" | cut -c13-)" "$tail"
  cat <<'END'
{"type":"assistant","session_id":"s","message":{"id":"t","role":"assistant","model":"m","content":[{"type":"tool_use","id":"tool_1","name":"Bash","input":{"command":"login --password {json}"}}],"usage":{"input_tokens":0,"output_tokens":0}}}
{"type":"user","session_id":"s","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"tool_1","content":"export KEY={result}\nexport JSON={json}","is_error":false}]}}
END
  echo "warning: {stderr}" >&2
  if [ -e tried ]; then touch again; fi
  echo "{check}" > out.txt
  echo "$PLAIN_KEY" > tried
  touch "{name}"
  end "done with $PLAIN_KEY"
  ;;
esac
