# Write model_rev.h: a hash of the sources that decide a run's outcome.
# Arguments: SOURCE (the project's folder), OUT (the header).
file(GLOB files RELATIVE ${SOURCE} ${SOURCE}/models/*.[ch] ${SOURCE}/models/*.def
	${SOURCE}/replay/*.[ch] ${SOURCE}/replay/*.def)
list(FILTER files EXCLUDE REGEX "_test\\.c$|naive_")
list(SORT files)
set(all "")
foreach(file IN LISTS files)
	file(SHA256 ${SOURCE}/${file} hash)
	string(APPEND all "${file} ${hash}\n")
endforeach()
string(SHA256 rev "${all}")
string(SUBSTRING ${rev} 0 16 rev)
file(CONFIGURE OUTPUT ${OUT} CONTENT "#define MODEL_REV \"${rev}\"\n")
