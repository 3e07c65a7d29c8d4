"""Anybody's notes about Kubernetes, as they are: each line typed on a throw-away cluster, and what holds told by line.

From the document to the verdict, in the order in which it goes:

    read        document, shell, kubectl, manifest    blocks, lines, calls, objects
    understand  understand                            what each block is, which file is which, what must fail
    plan        plan, scenario                        grouping, placeholders, stand_ins, reach (what is not typed)
    run         run, trial, attempt                   place, sandbox (inside), images, guard, facts
    judge       judge, output, spelling, dockerfiles  whose fault it is
    mend        mending, mend                         tried there, and edits of the document
    tell        findings, tell, sentences             and labkit.report.notes_page
"""
