# sh grade.sh COURSE GRADED NAME: grade an assignment, reading the course and writing to the other folder alone.
set -eu
course=$1 graded=$2 name=$3
shift 3  # the rest is for `nbgrader autograde`
cp "$course/gradebook.db" "$course/nbgrader_config.py" "$graded"
ln -sfn "$course/source" "$graded/source"
ln -sfn "$course/submitted" "$graded/submitted"
cd "$graded"
# One notebook that cannot be run is no reason to give no feedback on the others.
timeout 2h nbgrader autograde "$name" "$@" || failed=$?
nbgrader generate_feedback "$name"
nbgrader export
exit "${failed:-0}"
